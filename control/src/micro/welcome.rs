//! What a person is told of a cloud that came up, in words and as JSON.

use serde_json::{Value, json};

use super::words::Paint;

/// What came up.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) parts: Vec<Part>,
    pub(super) metrics: String,
    pub(super) directory: String,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) note: String,
    pub(super) address: String,
}

/// How one gets in.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) api: String,
    /// Where the first person chooses a name and a password, while there is nobody.
    pub(super) setup_link: Option<String>,
    /// Whom the command line named.
    pub(super) admin: Option<String>,
}

/// A request went through, and what to do next.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    /// What answered, through the router.
    pub(super) url: String,
    /// The same for those that do not resolve `*.localhost`.
    pub(super) address: String,
    pub(super) host: &'static str,
    pub(super) api: String,
    pub(super) user: Option<String>,
}

impl Opening {
    pub(super) fn json(&self) -> Value {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|part| json!({"name": part.name, "note": part.note, "address": part.address}))
            .collect();
        json!({"event": "up", "parts": parts, "metrics": self.metrics, "directory": self.directory})
    }

    pub(super) fn text(&self, paint: Paint) -> String {
        let mut text = format!(
            "\n  {}  micro cloud on one machine\n\n",
            paint.bold(concat!("switchyard ", env!("CARGO_PKG_VERSION")))
        );
        for part in &self.parts {
            let ok = paint.green("ok");
            text += &format!(
                "  {:<8} {ok}   {:<34} {}\n",
                part.name, part.note, part.address
            );
        }
        text += &format!("\n  metrics  curl {}\n", self.metrics);
        text += &format!("  files    {}\n", self.directory);
        text += "  stop     Ctrl-C (drains, and stops the applications)\n";
        text
    }
}

impl Account {
    pub(super) fn json(&self) -> Value {
        json!({"event": "api", "url": self.api, "setup_link": self.setup_link, "user": self.admin})
    }

    pub(super) fn text(&self) -> String {
        let admin = match (&self.setup_link, &self.admin) {
            (Some(link), _) => format!("admin {link} (once: choose a name and a password)"),
            (None, Some(name)) => format!("admin {name}, with the password of the file"),
            (None, None) => "admin as chosen in an earlier run".to_owned(),
        };
        format!(
            "api {}\n{admin}\nthe sample application is pushed through the API",
            self.api
        )
    }
}

impl Ready {
    pub(super) fn json(&self) -> Value {
        json!({"event": "ready", "url": self.url, "curl": self.curl(), "wrk": self.wrk(),
            "try": self.orders()})
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("ready {}\n\n", self.url);
        text += &format!("  try      {}\n", self.curl());
        text += &format!("  load     {}\n", self.wrk());
        for (at, order) in self.orders().iter().enumerate() {
            let label = if at == 0 { "push" } else { "" };
            text += &format!("  {label:<8} {order}\n");
        }
        text
    }

    fn curl(&self) -> String {
        format!("curl {}", self.url)
    }

    fn wrk(&self) -> String {
        let (host, address) = (self.host, &self.address);
        format!("wrk -t1 -c64 -d10s -H 'Host: {host}' {address}")
    }

    /// The same push with cf and with kato.
    fn orders(&self) -> [String; 4] {
        let user = self.user.as_deref().unwrap_or("NAME");
        [
            format!("cf api {0} && cf login -u {user}", self.api),
            "cf push mine -p examples/apps/static".to_owned(),
            format!("kato login --api {} --user {user}", self.api),
            "kato push mine -p examples/apps/static".to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_hold_the_exact_commands() {
        let ready = Ready {
            url: "http://hello.localhost:8080/".into(),
            address: "http://127.0.0.1:8080/".into(),
            host: "hello.localhost",
            api: "http://127.0.0.1:8081".into(),
            user: Some("ada".into()),
        };
        let text = ready.text();
        assert!(text.starts_with("ready http://hello.localhost:8080/\n"));
        assert!(text.contains("curl http://hello.localhost:8080/\n"));
        assert!(
            text.contains("wrk -t1 -c64 -d10s -H 'Host: hello.localhost' http://127.0.0.1:8080/\n")
        );
        assert!(text.contains("cf api http://127.0.0.1:8081 && cf login -u ada\n"));
    }

    #[test]
    fn the_setup_link_is_told_as_long_as_nobody_is_there() {
        let mut account = Account {
            api: "http://127.0.0.1:8081".into(),
            setup_link: Some("http://127.0.0.1:8081/setup/x".into()),
            admin: None,
        };
        assert!(
            account
                .text()
                .contains("\nadmin http://127.0.0.1:8081/setup/x (once")
        );
        account.setup_link = None;
        assert!(
            account
                .text()
                .contains("\nadmin as chosen in an earlier run\n")
        );
    }
}
