//! The handle through which the API speaks to the controller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::warn;

use super::site::now;
use crate::model::{InstanceReport, InstanceState, InstanceStats};
use crate::placement::{Pool, Request, Shortage};

/// What the API says to the controller. Clones share the same controller.
///
/// The store holds what is wanted, so an order only says where to look now. One that finds the queue
/// full is not lost: the controller then looks at everything.
#[derive(Clone, Debug)]
pub struct Controller {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// The controller's end of its handles.
#[derive(Debug)]
pub struct Orders {
    queue: mpsc::Receiver<Order>,
    shared: Arc<Shared>,
}

/// One thing that the API wants of the controller.
#[derive(Debug)]
pub enum Order {
    /// The desired state of this application was written.
    App(String),
    /// The desired state of anything may have been written.
    Everything,
    /// This deployment was created or changed.
    Deployment(String),
    /// A line of the platform for the log of an application.
    Log {
        /// The application.
        app: String,
        /// Who speaks, as in `API`.
        source_type: String,
        /// The line.
        text: String,
    },
    /// This build waits to be staged.
    Stage(String),
    /// The numbers of a process's instances.
    Stats {
        /// The process.
        process: String,
        /// Who asked.
        answer: oneshot::Sender<Vec<InstanceStats>>,
    },
    /// One instance is to end; another one takes its place.
    StopInstance {
        /// The process.
        process: String,
        /// Its index.
        index: u32,
    },
}

/// The room that one instance needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Room {
    /// Memory in MB.
    pub memory_mb: u64,
    /// Disk in MB.
    pub disk_mb: u64,
    /// The stack that the node must have.
    pub stack: String,
}

/// What both ends see.
#[derive(Debug, Default)]
struct Shared {
    /// An order found the queue full.
    overflowed: AtomicBool,
    /// By process, ordered by index.
    instances: RwLock<HashMap<String, Vec<InstanceReport>>>,
    /// The nodes, once a controller works here.
    pool: OnceLock<Arc<Mutex<Pool>>>,
}

impl Controller {
    /// A handle and the end that its orders come to.
    #[must_use]
    pub fn channel() -> (Self, Orders) {
        let (orders, queue) = mpsc::channel(HELD_ORDERS);
        let shared = Arc::<Shared>::default();
        let end = Orders {
            queue,
            shared: Arc::clone(&shared),
        };
        (Self { orders, shared }, end)
    }

    /// Says that the desired state of an application (state, instances, routes) was written.
    pub fn app_changed(&self, app_guid: &str) {
        self.tell(Order::App(app_guid.to_owned()));
    }

    /// Says that a deployment was created, continued or canceled.
    pub fn deployment_changed(&self, guid: &str) {
        self.tell(Order::Deployment(guid.to_owned()));
    }

    /// Whether some node has room for one more instance, or why none has; `None` while no controller
    /// works here that would know.
    #[must_use]
    pub fn has_room(&self, room: &Room) -> Option<Result<(), Shortage>> {
        let request = Request {
            process: "",
            memory_mb: i64::try_from(room.memory_mb).unwrap_or(i64::MAX),
            disk_mb: i64::try_from(room.disk_mb).unwrap_or(i64::MAX),
            stack: &room.stack,
            zone: None,
        };
        let mut pool = self.shared.pool()?;
        Some(pool.has_room(&request, now()))
    }

    /// How many nodes were heard of lately.
    #[must_use]
    pub fn nodes(&self) -> usize {
        let pool = self.shared.pool();
        pool.map_or(0, |pool| pool.nodes(now()).count())
    }

    /// What the heartbeats say of a process's instances, ordered by index; an index of which nothing
    /// is known is left out.
    #[must_use]
    pub fn instances(&self, process_guid: &str) -> Vec<InstanceReport> {
        let instances = self.shared.instances.read();
        instances
            .unwrap_or_else(PoisonError::into_inner)
            .get(process_guid)
            .cloned()
            .unwrap_or_default()
    }

    /// How many processes have instances, and how many instances of all processes run.
    #[must_use]
    pub fn totals(&self) -> (usize, usize) {
        let instances = self.shared.instances.read();
        let instances = instances.unwrap_or_else(PoisonError::into_inner);
        let all = instances.values().flatten();
        let running = all.filter(|one| one.state == InstanceState::Running);
        (instances.len(), running.count())
    }

    /// Puts a line of the platform into the log of an application.
    pub fn log(&self, app_guid: &str, source_type: &str, text: &str) {
        let line = Order::Log {
            app: app_guid.to_owned(),
            source_type: source_type.to_owned(),
            text: text.to_owned(),
        };
        if self.orders.try_send(line).is_err() {
            warn!(app = app_guid, text, "platform-log-line-dropped");
        }
    }

    /// Asks for a build to be staged.
    pub fn stage(&self, build_guid: &str) {
        self.tell(Order::Stage(build_guid.to_owned()));
    }

    /// The numbers of a process's running instances, from whoever answers within 2 s.
    pub async fn stats(&self, process_guid: &str) -> Vec<InstanceStats> {
        let (answer, answered) = oneshot::channel();
        let process = process_guid.to_owned();
        self.ask(Order::Stats { process, answer }, answered)
            .await
            .unwrap_or_default()
    }

    /// Ends one instance of a process; another one takes its place. False when no controller takes
    /// the order in time, which then is not given.
    #[must_use]
    pub async fn stop_instance(&self, process_guid: &str, index: u32) -> bool {
        let process = process_guid.to_owned();
        let order = Order::StopInstance { process, index };
        matches!(
            timeout(ANSWER_DEADLINE, self.orders.send(order)).await,
            Ok(Ok(()))
        )
    }

    async fn ask<T>(&self, order: Order, answered: oneshot::Receiver<T>) -> Option<T> {
        self.orders.try_send(order).ok()?;
        timeout(ANSWER_DEADLINE, answered).await.ok()?.ok()
    }

    fn tell(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            self.shared.overflowed.store(true, Ordering::Release);
        }
    }
}

impl Shared {
    /// The nodes; let go of before anything is waited for.
    fn pool(&self) -> Option<MutexGuard<'_, Pool>> {
        let pool = self.pool.get()?.lock();
        Some(pool.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Orders {
    /// Waits for the next order; `None` once every handle is gone.
    ///
    /// # Cancel safety
    ///
    /// No order is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Order> {
        if self.shared.overflowed.swap(false, Ordering::AcqRel) {
            return Some(Order::Everything);
        }
        self.queue.recv().await
    }

    /// Shows the nodes.
    pub(super) fn show_nodes(&self, pool: Arc<Mutex<Pool>>) {
        // A second controller at the same handles would be a mistake; the first one's nodes stay.
        let _first = self.shared.pool.set(pool);
    }

    /// Shows what is known of a process's instances, ordered by index.
    pub fn show(&self, process_guid: &str, instances: Vec<InstanceReport>) {
        let table = self.shared.instances.write();
        let mut table = table.unwrap_or_else(PoisonError::into_inner);
        if instances.is_empty() {
            table.remove(process_guid);
        } else {
            table.insert(process_guid.to_owned(), instances);
        }
    }

    /// Shows what is known of all processes' instances, in place of what was shown before.
    pub fn show_all(&self, instances: HashMap<String, Vec<InstanceReport>>) {
        let table = self.shared.instances.write();
        *table.unwrap_or_else(PoisonError::into_inner) = instances;
    }
}

const HELD_ORDERS: usize = 1024;
/// Agents get 2 s to answer; this is what the way to them may take on top.
const ANSWER_DEADLINE: Duration = Duration::from_millis(2500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;

    #[tokio::test]
    async fn an_order_that_found_no_room_makes_the_controller_look_at_everything() {
        let (controller, mut orders) = Controller::channel();
        for _ in 0..=HELD_ORDERS {
            controller.app_changed("a");
        }
        assert!(matches!(orders.next().await, Some(Order::Everything)));
        assert!(matches!(orders.next().await, Some(Order::App(app)) if app == "a"));
    }

    #[tokio::test]
    async fn what_nobody_answers_is_unknown() {
        let (controller, orders) = Controller::channel();
        drop(orders);
        assert!(controller.stats("p").await.is_empty());
        let room = Room {
            memory_mb: 1,
            disk_mb: 1,
            stack: String::new(),
        };
        assert_eq!(controller.has_room(&room), None);
        assert!(!controller.stop_instance("p", 0).await);
    }

    #[tokio::test]
    async fn what_is_shown_is_seen_by_every_handle() {
        let (controller, orders) = Controller::channel();
        let running = InstanceReport {
            index: 0,
            instance: "i".to_owned(),
            state: InstanceState::Running,
            since: Micros(1),
            routable: Some(true),
            details: None,
        };
        orders.show("p", vec![running.clone()]);
        let other = controller.clone();
        assert_eq!(other.instances("p"), [running]);
        orders.show("p", Vec::new());
        assert!(controller.instances("p").is_empty());
    }
}
