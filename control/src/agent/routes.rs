//! The routes of this node's instances, as the routers are told.
//!
//! One task says all of it, so that nothing is registered again once it was taken back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bus::{Bus, RegistryMessage, RouteOptions, subject};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use crate::wire::UriOptions;

/// An instance as routers find it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) uris: Vec<String>,
    /// Said of some of these besides.
    pub(super) options: UriOptions,
    pub(super) app: String,
    pub(super) process: String,
    pub(super) instance: String,
    pub(super) index: u32,
    pub(super) component: String,
    pub(super) availability_zone: String,
}

/// The voice towards the routers. Clones are the same voice.
#[derive(Clone, Debug)]
pub(super) struct Routes(mpsc::Sender<Order>);

#[derive(Debug)]
enum Order {
    /// All of it again.
    Repeat,
    Set {
        guid: String,
        endpoint: Option<Box<Endpoint>>,
        done: oneshot::Sender<()>,
    },
}

impl Routes {
    /// The voice, and the task that speaks until the last clone is gone.
    pub(super) fn new(bus: Bus) -> (Self, impl Future<Output = ()> + Send) {
        let (orders, heard) = mpsc::channel(WAITING);
        let speaker = Speaker {
            bus,
            known: BTreeMap::new(),
        };
        (Self(orders), speaker.speak(heard))
    }

    /// Registers an instance under what `endpoint` says and nothing else; `None` takes it back.
    /// Returns when that was said.
    pub(super) async fn set(&self, guid: &str, endpoint: Option<Endpoint>) {
        let (done, said) = oneshot::channel();
        let order = Order::Set {
            guid: guid.to_owned(),
            endpoint: endpoint.map(Box::new),
            done,
        };
        // The speaker ends only with the agent; then nobody is left to be told.
        if self.0.send(order).await.is_ok() {
            let _ = said.await;
        }
    }

    /// Says all of it again.
    pub(super) async fn repeat(&self) {
        let _ = self.0.send(Order::Repeat).await;
    }
}

struct Speaker {
    bus: Bus,
    known: BTreeMap<String, Endpoint>,
}

impl Speaker {
    async fn speak(mut self, mut heard: mpsc::Receiver<Order>) {
        while let Some(order) = heard.recv().await {
            match order {
                Order::Repeat => {
                    for endpoint in self.known.values() {
                        self.publish(subject::REGISTER, endpoint, &endpoint.uris)
                            .await;
                    }
                }
                Order::Set {
                    guid,
                    endpoint,
                    done,
                } => {
                    self.set(guid, endpoint.map(|endpoint| *endpoint)).await;
                    // Whoever asked may have been stopped meanwhile.
                    let _ = done.send(());
                }
            }
        }
    }

    async fn set(&mut self, guid: String, endpoint: Option<Endpoint>) {
        let before = match &endpoint {
            Some(endpoint) => self.known.insert(guid, endpoint.clone()),
            None => self.known.remove(&guid),
        };
        if let Some(before) = before {
            let gone = removed(&before, endpoint.as_ref());
            self.publish(subject::UNREGISTER, &before, &gone).await;
        }
        if let Some(endpoint) = endpoint {
            self.publish(subject::REGISTER, &endpoint, &endpoint.uris)
                .await;
        }
    }

    async fn publish(&self, subject: &'static str, endpoint: &Endpoint, uris: &[String]) {
        for (options, uris) in alike(endpoint, uris) {
            let message = message(endpoint, &uris, options).encode();
            if let Err(error) = self.bus.publish(subject, message.into()).await {
                warn!(%error, subject, instance = endpoint.instance, "route-not-announced");
            }
        }
    }
}

/// The routes that are no longer meant.
fn removed(before: &Endpoint, after: Option<&Endpoint>) -> Vec<String> {
    let same_place = |after: &&Endpoint| (&after.host, after.port) == (&before.host, before.port);
    let kept: BTreeSet<&String> = after
        .filter(same_place)
        .map(|after| after.uris.iter().collect())
        .unwrap_or_default();
    let gone = before.uris.iter().filter(|uri| !kept.contains(uri));
    gone.cloned().collect()
}

type Options = Map<String, Value>;

/// The routes by what is said of them: one message says one thing of all that it names.
fn alike<'a>(
    endpoint: &'a Endpoint,
    uris: &'a [String],
) -> Vec<(Option<&'a Options>, Vec<&'a str>)> {
    let mut groups: Vec<(Option<&Options>, Vec<&str>)> = Vec::new();
    for uri in uris {
        let options = endpoint.options.get(uri);
        match groups.iter_mut().find(|(known, _)| *known == options) {
            Some((_, group)) => group.push(uri),
            None => groups.push((options, vec![uri])),
        }
    }
    groups
}

fn message<'a>(
    endpoint: &'a Endpoint,
    uris: &[&'a str],
    options: Option<&'a Options>,
) -> RegistryMessage<'a> {
    let text = |name: &str| options.and_then(|all| all.get(name)?.as_str());
    RegistryMessage {
        protocol: text("protocol").unwrap_or_default().into(),
        options: RouteOptions {
            loadbalancing: text("loadbalancing").unwrap_or_default().into(),
            ..RouteOptions::default()
        },
        host: Cow::Borrowed(&endpoint.host),
        port: endpoint.port,
        uris: uris.iter().map(|uri| Cow::Borrowed(*uri)).collect(),
        app: Cow::Borrowed(&endpoint.app),
        private_instance_id: Cow::Borrowed(&endpoint.instance),
        private_instance_index: endpoint.index.to_string().into(),
        availability_zone: Cow::Borrowed(&endpoint.availability_zone),
        tags: BTreeMap::from([
            (
                "component".into(),
                Cow::Borrowed(endpoint.component.as_str()),
            ),
            (
                "process_id".into(),
                Cow::Borrowed(endpoint.process.as_str()),
            ),
        ]),
        ..RegistryMessage::default()
    }
}

/// Orders that wait; more make those who order wait too.
const WAITING: usize = 256;

/// The name that the server of files goes by among the routes; no instance has it.
pub(super) const FILES: &str = "files";

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(uris: &[&str], port: u16) -> Endpoint {
        Endpoint {
            host: "10.0.0.1".into(),
            port,
            uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            options: UriOptions::new(),
            app: "a".into(),
            process: "p".into(),
            instance: "i".into(),
            index: 3,
            component: "dea-0".into(),
            availability_zone: String::new(),
        }
    }

    #[test]
    fn only_what_is_no_longer_meant_is_taken_back() {
        let before = endpoint(&["a", "b"], 1);
        assert_eq!(removed(&before, Some(&endpoint(&["b", "c"], 1))), ["a"]);
        assert_eq!(removed(&before, Some(&endpoint(&["b"], 2))), ["a", "b"]);
        assert_eq!(removed(&before, None), ["a", "b"]);
    }

    #[test]
    fn a_registration_is_one_that_a_router_accepts() {
        let endpoint = endpoint(&["a.localhost"], 61001);
        let bytes = message(&endpoint, &["a.localhost"], None).encode();
        let read = RegistryMessage::decode(&bytes).unwrap();
        assert_eq!((&*read.app, &*read.private_instance_id), ("a", "i"));
        assert_eq!((&*read.private_instance_index, read.port), ("3", 61001));
        assert_eq!(read.tags["component"], "dea-0");
    }

    #[test]
    fn routes_of_which_different_things_are_said_are_told_apart() {
        let mut endpoint = endpoint(&["a", "b", "c"], 1);
        let options =
            serde_json::json!({ "loadbalancing": "least-connection", "protocol": "http2" });
        let options = options.as_object().unwrap().clone();
        endpoint.options.insert("b".into(), options.clone());
        let told = alike(&endpoint, &endpoint.uris);
        assert_eq!(told, [(None, vec!["a", "c"]), (Some(&options), vec!["b"])]);
        let bytes = message(&endpoint, &told[1].1, told[1].0).encode();
        let read = RegistryMessage::decode(&bytes).unwrap();
        assert_eq!((&*read.uris[0], &*read.protocol), ("b", "http2"));
        assert_eq!(read.options.loadbalancing, "least-connection");
    }
}
