//! What containers may reach: an operator's words, and the packet filter's.

use std::net::Ipv4Addr;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};

/// What the containers of a node may reach. Nothing is blocked by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Egress {
    /// Addresses that they may not reach.
    pub blocked: Vec<Subnet>,
    /// Addresses that they may reach nevertheless.
    pub allowed: Vec<Subnet>,
    /// TCP ports of the node itself that they may reach; as soon as anything is blocked, the
    /// others are too.
    pub host_ports: Vec<u16>,
}

impl Egress {
    /// Whether there is anything to block.
    pub(super) fn blocks(&self) -> bool {
        !self.blocked.is_empty()
    }
}

/// A range of IPv4 addresses, as in `10.0.0.0/8`; an address alone is a range of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Subnet {
    address: Ipv4Addr,
    bits: u8,
}

/// Not a range of IPv4 addresses.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no range of IPv4 addresses, such as 10.0.0.0/8")]
pub struct BadSubnet(String);

impl FromStr for Subnet {
    type Err = BadSubnet;

    fn from_str(text: &str) -> Result<Self, BadSubnet> {
        let bad = || BadSubnet(text.to_owned());
        let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
        let bits = bits.parse().ok().filter(|bits| *bits <= 32);
        Ok(Self {
            address: address.parse().map_err(|_| bad())?,
            bits: bits.ok_or_else(bad)?,
        })
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The names of one node's network and chains; several nodes may share an Engine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Names {
    pub(super) network: String,
    /// The network's interface, no longer than the kernel takes.
    pub(super) bridge: String,
    /// The chain for packets that leave the machine.
    pub(super) out: String,
    /// The chain for packets to the machine itself.
    pub(super) host: String,
}

impl Names {
    pub(super) fn of(node: &std::path::Path) -> Self {
        let digest = digest(&SHA256, node.as_os_str().as_encoded_bytes());
        let bytes = digest.as_ref().iter().take(4);
        let key: String = bytes.map(|byte| format!("{byte:02x}")).collect();
        Self {
            network: format!("switchyard-{key}"),
            bridge: format!("sy-{key}"),
            out: format!("SWITCHYARD-{key}-OUT"),
            host: format!("SWITCHYARD-{key}-HOST"),
        }
    }
}

/// What `iptables-restore` is told: both chains, made anew in one step.
pub(super) fn rules(names: &Names, egress: &Egress) -> String {
    let Names { out, host, .. } = names;
    // Answers to whoever asked the container are not its own doing.
    let answers = "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN";
    let mut text = format!("*filter\n:{out} - [0:0]\n:{host} - [0:0]\n");
    for chain in [out, host] {
        text.push_str(&format!("-A {chain} {answers}\n"));
        for subnet in &egress.allowed {
            text.push_str(&format!("-A {chain} -d {subnet} -j RETURN\n"));
        }
    }
    for subnet in &egress.blocked {
        text.push_str(&format!("-A {out} -d {subnet} {REFUSE}\n"));
    }
    for port in &egress.host_ports {
        text.push_str(&format!("-A {host} -p tcp --dport {port} -j RETURN\n"));
    }
    text.push_str(&format!("-A {host} {REFUSE}\nCOMMIT\n"));
    text
}

/// Told to the program, which need not wait for its deadline.
const REFUSE: &str = "-j REJECT --reject-with icmp-admin-prohibited";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_an_address_with_or_without_its_bits() {
        let shown = |text: &str| text.parse::<Subnet>().unwrap().to_string();
        assert_eq!(shown("10.0.0.0/8"), "10.0.0.0/8");
        assert_eq!(shown("10.1.2.3"), "10.1.2.3/32");
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "fd00::/8", "10.0.0.0/8 -j X"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_allowed_comes_before_what_is_blocked_and_the_node_is_closed() {
        let names = Names::of(std::path::Path::new("/var/agent"));
        let egress = Egress {
            blocked: vec!["10.0.0.0/8".parse().unwrap()],
            allowed: vec!["10.0.0.53".parse().unwrap()],
            host_ports: vec![8080],
        };
        let text = rules(&names, &egress);
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        let out = format!("-A {} ", names.out);
        let host = format!("-A {} ", names.host);
        let blocked = at(&format!("{out}-d 10.0.0.0/8 -j REJECT"));
        assert!(at(&format!("{out}-d 10.0.0.53/32 -j RETURN")) < blocked);
        let closed = at(&format!("{host}-j REJECT"));
        assert!(at(&format!("{host}-p tcp --dport 8080 -j RETURN")) < closed);
        assert!(names.bridge.len() < 16 && names.host.len() < 29);
    }
}
