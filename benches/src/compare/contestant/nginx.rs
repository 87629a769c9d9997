//! nginx as an operator would tune it for this work: one worker, upstream keep-alive, buffered log.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use super::{Contestant, Logs, Surroundings, certificate, loopback};
use crate::child::{Child, Pinned, args};
use crate::machine::free_port;

pub(super) fn start(around: &Surroundings, logs: Logs, dir: &Path) -> anyhow::Result<Contestant> {
    let (http, https) = (loopback(free_port()?), loopback(free_port()?));
    let certificate = certificate(&around.dir)?;
    let file = dir.join("nginx.conf");
    std::fs::write(
        &file,
        configuration([http, https, around.origin], logs, dir, &certificate),
    )?;
    let args = args([Path::new("-p"), dir, Path::new("-c"), &file]);
    let cpu = around.cpus.proxy;
    let command = Pinned {
        name: "nginx",
        cpu,
        program: &around.programs.nginx,
        args,
    };
    let child = Child::start(&command, dir, Stdio::null())?;
    Ok(Contestant {
        name: "nginx".into(),
        http,
        https: Some(https),
        child,
    })
}

fn configuration(
    [http, https, origin]: [SocketAddr; 3],
    logs: Logs,
    dir: &Path,
    certificate: &Path,
) -> String {
    let access_log = match logs {
        Logs::Off => "off".to_owned(),
        Logs::On => format!("{}/access.log gorouter buffer=64k flush=1s", dir.display()),
    };
    let (dir, certificate) = (dir.display(), certificate.display());
    format!(
        r#"daemon off;
user root;
pid {dir}/nginx.pid;
error_log stderr error;
worker_processes 1;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
  log_format gorouter '$host - [$time_iso8601] "$request" $status $request_length $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$remote_addr:$remote_port" "$upstream_addr" '
    'x_forwarded_for:"$proxy_add_x_forwarded_for" x_forwarded_proto:"$scheme" '
    'vcap_request_id:"$request_id" response_time:$request_time gorouter_time:$upstream_response_time '
    'app_id:"-" app_index:"-" instance_id:"-" x_cf_routererror:"-"';
  access_log {access_log};
  tcp_nodelay on;
  keepalive_timeout 900s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  proxy_max_temp_file_size 0;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  ssl_certificate {certificate};
  ssl_certificate_key {certificate};
  ssl_protocols TLSv1.2 TLSv1.3;
  upstream origin {{
    server {origin};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 900s;
  }}
  server {{
    listen {http} reuseport backlog=4096;
    listen {https} ssl http2 reuseport backlog=4096;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Start $msec;
      proxy_set_header X-Vcap-Request-Id $request_id;
    }}
  }}
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(logs: Logs) -> String {
        let addrs = [1, 2, 3].map(loopback);
        configuration(addrs, logs, Path::new("/d"), Path::new("/c.pem"))
    }

    #[test]
    fn logs_are_buffered_or_off() {
        assert!(written(Logs::Off).contains("access_log off;"));
        assert!(written(Logs::On).contains("/access.log gorouter buffer=64k flush=1s;"));
    }

    #[test]
    fn both_sides_keep_connections_and_braces_match() {
        let text = written(Logs::On);
        assert!(
            text.contains("keepalive 1024;") && text.contains("proxy_set_header Connection \"\";")
        );
        assert!(
            text.contains("listen 127.0.0.1:1 reuseport") && text.contains("server 127.0.0.1:3;")
        );
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
