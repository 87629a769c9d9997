//! What the operator has set, swapped whole and pinned by each exchange when it begins.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::ForwardConfig;
use crate::headers::{ForwardedProto, RequestRules, ResponseRules};

/// Everything that the walk of a request is told by the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The slice of the configuration.
    pub forward: ForwardConfig,
    /// Rules for requests.
    pub request_rules: RequestRules,
    /// Rules for answers.
    pub response_rules: ResponseRules,
    /// Our address as `X-Vcap-Router` tells it.
    pub router_ip: String,
}

/// Whether endpoints are told to close their connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndpointKeepAlive {
    /// `disable_keep_alives: true`
    Disabled,
    /// `disable_keep_alives: false`
    Enabled,
}

impl Settings {
    /// Derives the rules from the configuration.
    #[must_use]
    pub fn new(forward: ForwardConfig, keep_alive: EndpointKeepAlive, router_ip: String) -> Self {
        let forwarded_proto = if forward.force_forwarded_proto_https {
            ForwardedProto::AlwaysHttps
        } else if forward.sanitize_forwarded_proto {
            ForwardedProto::HowItCame
        } else {
            ForwardedProto::ClientsWord
        };
        let rewrite = &forward.http_rewrite;
        Self {
            request_rules: RequestRules {
                kept_from_nomination: forward.hop_by_hop_headers_to_filter.clone(),
                forwarded_proto,
                closes_endpoint_connections: keep_alive == EndpointKeepAlive::Disabled,
            },
            response_rules: ResponseRules {
                removed: rewrite.remove_headers.clone(),
                added_if_absent: rewrite
                    .add_headers_if_not_present
                    .iter()
                    .map(|line| (line.name.clone(), line.value.clone()))
                    .collect(),
            },
            forward,
            router_ip,
        }
    }
}

/// The settings in force, for all cores.
pub type SharedSettings = ArcSwap<Settings>;

/// One core's view of them.
#[derive(Debug)]
pub(super) struct CoreSettings {
    shared: Arc<SharedSettings>,
    pinned: RefCell<Pinned>,
}

/// The settings in force when one was last asked.
#[derive(Debug)]
struct Pinned {
    source: Arc<Settings>,
    copy: Rc<Settings>,
}

impl Pinned {
    fn of(source: Arc<Settings>) -> Self {
        let copy = Rc::new(Settings::clone(&source));
        Self { source, copy }
    }
}

impl CoreSettings {
    pub(super) fn new(shared: Arc<SharedSettings>) -> Self {
        let pinned = RefCell::new(Pinned::of(shared.load_full()));
        Self { shared, pinned }
    }

    /// The settings in force now, for as long as the caller likes.
    pub(super) fn pin(&self) -> Rc<Settings> {
        // perf: a core has a copy and counts its own references; the count that all cores share is
        // touched only when the settings have been swapped.
        let current = self.shared.load();
        let mut pinned = self.pinned.borrow_mut();
        if !Arc::ptr_eq(&current, &pinned.source) {
            *pinned = Pinned::of(Arc::clone(&current));
        }
        Rc::clone(&pinned.copy)
    }
}
