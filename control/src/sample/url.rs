//! Where the bus is: `nats://[USER:PASSWORD@]HOST[:PORT]`.

use std::fmt;
use std::str::FromStr;

/// The address of a bus and who we are there.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct BusUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Option<Credentials>,
}

/// Who we are on the bus; empty for nobody in particular.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// The text is no address of a bus.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected nats://[USER:PASSWORD@]HOST[:PORT]")]
pub struct BadBusUrl;

impl FromStr for BusUrl {
    type Err = BadBusUrl;

    fn from_str(text: &str) -> Result<Self, BadBusUrl> {
        let rest = text.strip_prefix("nats://").ok_or(BadBusUrl)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The password may hold an `@`, the host may not.
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials.parse()?), place),
            None => (None, rest),
        };
        let (host, port) = split_port(place)?;
        if host.is_empty() || host.contains(['/', '?', '#']) {
            return Err(BadBusUrl);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            credentials,
        })
    }
}

impl FromStr for Credentials {
    type Err = BadBusUrl;

    fn from_str(text: &str) -> Result<Self, BadBusUrl> {
        let (user, password) = text.split_once(':').ok_or(BadBusUrl)?;
        Ok(Self {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }
}

impl fmt::Display for BusUrl {
    /// Without the credentials: this goes to screens and logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "nats://[{}]:{}", self.host, self.port)
        } else {
            write!(out, "nats://{}:{}", self.host, self.port)
        }
    }
}

/// Splits off the port; an IPv6 address stands in brackets, which it loses here.
fn split_port(place: &str) -> Result<(&str, u16), BadBusUrl> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(BadBusUrl)?;
            match rest {
                "" => (host, None),
                _ => (host, Some(rest.strip_prefix(':').ok_or(BadBusUrl)?)),
            }
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    match port.map(str::parse) {
        None => Ok((host, DEFAULT_PORT)),
        Some(Ok(port)) if port != 0 => Ok((host, port)),
        Some(Ok(_) | Err(_)) => Err(BadBusUrl),
    }
}

const DEFAULT_PORT: u16 = 4222;

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BusUrl {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn the_port_is_4222_unless_it_is_given() {
        assert_eq!(url("nats://bus.example.com").port, 4222);
        assert_eq!(url("nats://127.0.0.1:4333/").port, 4333);
    }

    #[test]
    fn a_password_may_hold_an_at_and_a_colon() {
        let credentials = url("nats://ada:p@s:s@127.0.0.1").credentials.unwrap();
        assert_eq!(
            (&*credentials.user, &*credentials.password),
            ("ada", "p@s:s")
        );
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        let url = url("nats://[::1]:4333");
        assert_eq!((&*url.host, url.port), ("::1", 4333));
        assert_eq!(url.to_string(), "nats://[::1]:4333");
    }

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(url("nats://ada:secret@bus:1").to_string(), "nats://bus:1");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "nats://",
            "bus:4222",
            "http://bus",
            "nats://bus:0",
            "nats://bus:70000",
            "nats://ada@bus",
            "nats://[::1",
            "nats://[::1]4222",
            "nats://bus/subject",
        ] {
            assert!(text.parse::<BusUrl>().is_err(), "{text}");
        }
    }
}
