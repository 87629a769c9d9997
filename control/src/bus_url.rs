//! Where the bus is, as it is given on a command line: one server or several.

use bus::BusOptions;
use bus::connection::ServerAddr;
use url::Url;

/// The text is no address of a bus.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected nats://[USER:PASSWORD@]HOST[:PORT], several separated by commas")]
pub struct BadBusUrl;

/// What to connect with: the servers of `text`, the credentials of the first that has any.
///
/// # Errors
///
/// Fails when one of the addresses makes no sense.
pub(crate) fn bus_options(text: &str, name: &str) -> Result<BusOptions, BadBusUrl> {
    let mut options = BusOptions {
        name: name.to_owned(),
        ..BusOptions::default()
    };
    options.servers = Vec::new();
    for part in text.split(',') {
        let url = Url::parse(part.trim()).map_err(|_| BadBusUrl)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        if url.scheme() != "nats" || !matches!(url.path(), "" | "/") {
            return Err(BadBusUrl);
        }
        options.servers.push(ServerAddr {
            host: host.ok_or(BadBusUrl)?.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(4222),
        });
        if options.user.is_empty() {
            options.user = url.username().to_owned();
            options.password = url.password().unwrap_or_default().to_owned();
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_servers_share_the_first_credentials() {
        let options = bus_options("nats://u:p@10.0.0.1, nats://10.0.0.2:5222", "agent").unwrap();
        let servers: Vec<_> = options
            .servers
            .iter()
            .map(|s| (s.host.as_str(), s.port))
            .collect();
        assert_eq!(servers, [("10.0.0.1", 4222), ("10.0.0.2", 5222)]);
        assert_eq!(
            (options.user.as_str(), options.password.as_str()),
            ("u", "p")
        );
    }

    #[test]
    fn what_is_no_bus_is_refused() {
        for text in ["", "127.0.0.1:4222", "http://127.0.0.1", "nats://h/path"] {
            assert_eq!(bus_options(text, "agent").unwrap_err(), BadBusUrl, "{text}");
        }
    }
}
