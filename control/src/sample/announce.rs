//! Announcing: who we are, on the bus, for as long as we are there.

use std::borrow::Cow;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::connection::BusEvents;
use bus::{Bus, BusEvent, RegistryMessage, StartMessage, Subscription, subject};
use bytes::Bytes;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::instance::{Instance, random_id};
use super::stop::Stop;

/// The voice of an application: one message for each of its instances.
#[derive(Debug)]
pub(super) struct Announcer {
    bus: Bus,
    messages: Vec<Bytes>,
}

/// Whether the routers have greeted back, or had their time to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Greeted {
    Done,
    Waiting,
}

impl Announcer {
    pub(super) fn new(bus: Bus, host: &str, instances: &[Arc<Instance>]) -> Self {
        let app = random_id();
        let messages = instances
            .iter()
            .map(|instance| message(host, &app, instance).encode().into())
            .collect();
        Self { bus, messages }
    }

    /// Announces at once, whenever a router starts, and at the interval that routers ask for;
    /// takes everything back when told to stop.
    ///
    /// A bus that is away is waited for: the connection comes back by itself, and a message that is
    /// lost meanwhile is repeated.
    pub(super) async fn speak(self, mut starts: Subscription, mut stop: Stop) {
        self.tell_all(subject::REGISTER).await;
        let mut events = self.bus.events();
        let mut pause = REGISTER_INTERVAL;
        let mut greeted = Greeted::Waiting;
        let greeting = self.greet();
        tokio::pin!(greeting);
        loop {
            tokio::select! {
                asked = &mut greeting, if greeted == Greeted::Waiting => {
                    greeted = Greeted::Done;
                    pause = asked;
                    continue;
                }
                () = sleep(pause) => {}
                start = starts.next() => match start {
                    Some(start) => pause = interval(&start.payload),
                    // The connection is closed for good; there is nobody to announce to.
                    None => return,
                },
                () = reconnected(&mut events) => {}
                () = stop.said() => break,
            }
            self.tell_all(subject::REGISTER).await;
        }
        self.tell_all(subject::UNREGISTER).await;
        if timeout(FAREWELL, self.bus.flush()).await.is_err() {
            warn!("the routers may learn of our end only when our routes grow stale");
        }
    }

    /// Asks who is there. Nobody may be: then the usual interval holds.
    async fn greet(&self) -> Duration {
        match self.bus.request(subject::GREET, GREETING).await {
            Ok(answer) => interval(&answer.payload),
            Err(_) => REGISTER_INTERVAL,
        }
    }

    async fn tell_all(&self, subject: &'static str) {
        for message in &self.messages {
            if let Err(error) = self.bus.publish(subject, message.clone()).await {
                warn!(%error, subject, "the announcement was lost; the next one will say it again");
            }
        }
    }
}

/// Waits until the bus is back: a router that was back before us has said so to nobody.
async fn reconnected(events: &mut BusEvents) {
    loop {
        match events.next().await {
            Some(BusEvent::Reconnected { .. } | BusEvent::Missed { .. }) => return,
            Some(
                BusEvent::Closed
                | BusEvent::Connected { .. }
                | BusEvent::Disconnected
                | BusEvent::SlowConsumer { .. },
            ) => {}
            None => pending().await,
        }
    }
}

fn message<'a>(host: &'a str, app: &'a str, instance: &'a Instance) -> RegistryMessage<'a> {
    RegistryMessage {
        host: announced_host(instance.address).into(),
        port: instance.address.port(),
        uris: vec![Cow::Borrowed(host)],
        app: Cow::Borrowed(app),
        private_instance_id: Cow::Borrowed(&instance.id),
        private_instance_index: instance.index.to_string().into(),
        tags: [("component".into(), "sample".into())].into(),
        endpoint_updated_at_ns: now_ns(),
        ..RegistryMessage::default()
    }
}

/// The address as a router joins it with the port: it adds no brackets, so an IPv6 address brings its own.
fn announced_host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

fn now_ns() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|now| i64::try_from(now.as_nanos()).ok())
        .unwrap_or_default()
}

/// How often a router wants to hear of us, from its start message; never rarer than the usual.
fn interval(start: &[u8]) -> Duration {
    match StartMessage::decode(start) {
        Ok(start) if start.minimum_register_interval > 0 => {
            Duration::from_secs(start.minimum_register_interval).min(REGISTER_INTERVAL)
        }
        Ok(_) | Err(_) => REGISTER_INTERVAL,
    }
}

const REGISTER_INTERVAL: Duration = Duration::from_secs(20);
/// An object, because routers decode whatever comes on their subjects.
const GREETING: Bytes = Bytes::from_static(b"{}");
const FAREWELL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use bus::connection::{BusOptions, Message, ServerAddr};
    use bus::server::{RunningServer, Server, ServerOptions};
    use tokio::task::JoinSet;

    use super::super::stop::{self, StopSender};
    use super::*;

    /// An announcer with two servers to choose from, and somebody who listens at each.
    struct Scene {
        /// The server that the announcer chose.
        chosen: RunningServer,
        listener: Subscription,
        other: Bus,
        /// Who listens at the server that was not chosen.
        spare_listener: Subscription,
        teller: StopSender,
        speaking: JoinSet<()>,
        _spare: (RunningServer, Bus),
    }

    impl Scene {
        async fn start() -> Self {
            let (mut chosen, mut spare) = (serve().await, serve().await);
            let ours = connect([chosen.addr(), spare.addr()]).await;
            if ours.server() != chosen.addr().to_string() {
                std::mem::swap(&mut chosen, &mut spare);
            }
            let (other, listener) = listen(&chosen).await;
            let (there, spare_listener) = listen(&spare).await;
            let starts = ours.subscribe(subject::START).await.unwrap();
            let instance = Arc::new(Instance::new(0, "127.0.0.1:6000".parse().unwrap()));
            let (teller, stop) = stop::channel();
            let mut speaking = JoinSet::new();
            speaking
                .spawn(Announcer::new(ours, "hello.localhost", &[instance]).speak(starts, stop));
            Self {
                chosen,
                listener,
                other,
                spare_listener,
                teller,
                speaking,
                _spare: (spare, there),
            }
        }

        async fn hear(&mut self, subject: &str) -> Message {
            hear(&mut self.listener, subject).await
        }
    }

    async fn serve() -> RunningServer {
        Server::start(ServerOptions::default()).await.unwrap()
    }

    /// The next message on this subject; others before it are passed over.
    async fn hear(listener: &mut Subscription, subject: &str) -> Message {
        let heard = async {
            loop {
                let message = listener.next().await.unwrap();
                if message.subject.as_str() == subject {
                    return message;
                }
            }
        };
        timeout(Duration::from_secs(10), heard).await.unwrap()
    }

    /// Hears all that is said at this server from now on.
    async fn listen(server: &RunningServer) -> (Bus, Subscription) {
        let bus = connect([server.addr()]).await;
        let listener = bus.subscribe(subject::ROUTES).await.unwrap();
        bus.flush().await.unwrap();
        (bus, listener)
    }

    async fn connect(addresses: impl IntoIterator<Item = SocketAddr>) -> Bus {
        let named = |address: SocketAddr| ServerAddr {
            host: address.ip().to_string(),
            port: address.port(),
        };
        let options = BusOptions {
            servers: addresses.into_iter().map(named).collect(),
            ..BusOptions::default()
        };
        Bus::connect(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_router_that_starts_hears_of_us_at_once() {
        let mut scene = Scene::start().await;
        scene.hear(subject::REGISTER).await;
        scene.hear(subject::GREET).await;
        scene
            .other
            .publish(subject::START, start(20).into())
            .await
            .unwrap();
        scene.hear(subject::REGISTER).await;
    }

    #[tokio::test]
    async fn our_end_is_announced() {
        let mut scene = Scene::start().await;
        let began = scene.hear(subject::REGISTER).await;
        scene.teller.stop();
        let ended = scene.hear(subject::UNREGISTER).await;
        assert_eq!(began.payload, ended.payload);
        scene.speaking.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_bus_that_comes_back_hears_of_us_again() {
        let mut scene = Scene::start().await;
        scene.hear(subject::REGISTER).await;
        scene.hear(subject::GREET).await;
        // The spare's listener is there before us; one that had to reconnect too might come too late.
        scene.chosen.shutdown().await;
        hear(&mut scene.spare_listener, subject::REGISTER).await;
    }

    fn start(seconds: u64) -> Vec<u8> {
        format!("{{\"id\":\"0-x\",\"hosts\":[],\"minimumRegisterIntervalInSeconds\":{seconds}}}")
            .into()
    }

    #[test]
    fn a_router_may_ask_for_more_often_but_not_for_never() {
        assert_eq!(interval(&start(5)), Duration::from_secs(5));
        assert_eq!(interval(&start(3600)), Duration::from_secs(20));
        assert_eq!(interval(&start(0)), Duration::from_secs(20));
        assert_eq!(interval(b"not json"), Duration::from_secs(20));
    }

    #[test]
    fn an_announcement_is_one_that_a_router_accepts() {
        let instance = Instance::new(2, "127.0.0.1:6000".parse().unwrap());
        let bytes = message("hello.localhost", "app", &instance).encode();
        let read = RegistryMessage::decode(&bytes).unwrap();
        read.validate().unwrap();
        assert_eq!((&*read.host, read.port), ("127.0.0.1", 6000));
        assert_eq!(read.uris, ["hello.localhost"]);
        assert_eq!(read.private_instance_index, "2");
    }

    #[test]
    fn an_ipv6_endpoint_is_announced_in_brackets() {
        assert_eq!(announced_host("[::1]:80".parse().unwrap()), "[::1]");
    }
}
