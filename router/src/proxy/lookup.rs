//! Lookup: which pool serves this request?
//!
//! Reads the route table and nothing else: it never waits, never locks, never changes a route.

use std::str;
use std::sync::Arc;

use super::Walk;
use super::admit::Admitted;
use super::refusal::Refusal;
use super::trace::Traced;
use crate::core::Moment;
use crate::message::{FieldName, RequestHead};
use crate::observe::Exchange;
use crate::route::{Endpoint, Lookup, Pool};

/// A request whose pool is known.
pub(super) struct Routed<'r> {
    pub(super) traced: Traced<'r>,
    pub(super) pool: Arc<Pool>,
    pub(super) aim: Aim,
    /// When it was found.
    pub(super) found_at: Moment,
    /// Only `lookup` makes one.
    _proof: (),
}

/// Which of a pool's endpoints will do.
pub(super) enum Aim {
    /// Any that balancing chooses.
    Any,
    /// One of those that the client named (`X-CF-App-Instance`, `X-CF-Process-Instance`).
    OneOf(Vec<Arc<Endpoint>>),
}

impl Walk<'_> {
    /// Finds the pool for host and path.
    ///
    /// # Errors
    ///
    /// Refuses an unknown route, an empty pool, and a named instance that does not exist.
    pub(super) fn lookup<'r>(
        &self,
        admitted: Admitted<'r>,
        exchange: &Exchange<'_>,
    ) -> Result<Routed<'r>, Refusal> {
        let traced = admitted.traced;
        let found = self
            .proxy
            .table
            .find(traced.head.host(), traced.head.path());
        let found_at = self.proxy.observer.clock().now();
        // perf: measured from the arrival, which was some 100 ns ago: one clock reading instead of
        // two, and the same reading serves the choice of an endpoint.
        let took = found_at.since(exchange.received()).as_nanos();
        exchange
            .metrics()
            .lookup_time(u64::try_from(took).unwrap_or(u64::MAX));
        if let Some(instance) = Instance::named(traced.head)? {
            let pool = match found {
                Lookup::Found(pool) | Lookup::Empty(pool) => Some(pool),
                Lookup::Unknown => None,
            };
            return instance.aim(traced, pool, found_at);
        }
        let host = || host_text(traced.head);
        match found {
            Lookup::Found(pool) => Ok(Routed {
                traced,
                pool,
                aim: Aim::Any,
                found_at,
                _proof: (),
            }),
            Lookup::Empty(_) if self.settings.forward.empty_pool_response_code_503 => {
                Err(Refusal::NoEndpoints { host: host() })
            }
            Lookup::Empty(_) | Lookup::Unknown => Err(Refusal::UnknownRoute { host: host() }),
        }
    }
}

/// The `Host` as it was sent, for error texts.
pub(super) fn host_text(head: &RequestHead) -> Box<str> {
    String::from_utf8_lossy(head.authority()).into()
}

/// An instance that the client has named (gorouter 2.4).
enum Instance {
    App {
        guid: Box<str>,
        index: Box<str>,
    },
    Process {
        guid: Box<str>,
        index: Option<Box<str>>,
    },
}

impl Instance {
    fn named(head: &RequestHead) -> Result<Option<Self>, Refusal> {
        if let Some(value) = head.block().value(FieldName::XCfAppInstance) {
            let parsed = str::from_utf8(value)
                .ok()
                .and_then(|text| text.split_once(':'));
            return match parsed {
                Some((guid, index)) if is_guid(guid) && is_index(index) => Ok(Some(Self::App {
                    guid: guid.into(),
                    index: index.into(),
                })),
                _ => Err(Refusal::InvalidAppInstance),
            };
        }
        let Some(value) = head.block().value(FieldName::XCfProcessInstance) else {
            return Ok(None);
        };
        let text = str::from_utf8(value).map_err(|_invalid| Refusal::InvalidProcessInstance)?;
        let (guid, index) = text
            .split_once(':')
            .map_or((text, None), |(guid, index)| (guid, Some(index)));
        if !is_guid(guid) || !index.is_none_or(is_index) {
            return Err(Refusal::InvalidProcessInstance);
        }
        Ok(Some(Self::Process {
            guid: guid.into(),
            index: index.map(Into::into),
        }))
    }

    fn is(&self, endpoint: &Endpoint) -> bool {
        match self {
            Self::App { guid, index } => {
                endpoint.app_id() == &**guid && endpoint.instance_index() == &**index
            }
            Self::Process { guid, index } => {
                endpoint.tag("process_id") == Some(guid)
                    && index
                        .as_deref()
                        .is_none_or(|index| endpoint.instance_index() == index)
            }
        }
    }

    fn aim<'r>(
        self,
        traced: Traced<'r>,
        pool: Option<Arc<Pool>>,
        found_at: Moment,
    ) -> Result<Routed<'r>, Refusal> {
        let mut matching = Vec::new();
        if let Some(pool) = &pool {
            pool.for_each_endpoint(|endpoint| {
                if self.is(endpoint) {
                    matching.push(Arc::clone(endpoint));
                }
            });
        }
        match pool {
            Some(pool) if !matching.is_empty() => Ok(Routed {
                traced,
                pool,
                aim: Aim::OneOf(matching),
                found_at,
                _proof: (),
            }),
            _ => Err(Refusal::UnknownInstance {
                message: self.missing(&host_text(traced.head)),
            }),
        }
    }

    fn missing(&self, host: &str) -> Box<str> {
        match self {
            Self::App { guid, index } => {
                format!("Requested instance ('{index}') with guid ('{guid}') does not exist for route ('{host}')").into()
            }
            Self::Process { guid, index: Some(index) } => format!(
                "Requested instance ('{index}') with process guid ('{guid}') does not exist for route ('{host}')"
            )
            .into(),
            Self::Process { guid, index: None } => {
                format!("Requested instance with process guid ('{guid}') does not exist for route ('{host}')").into()
            }
        }
    }
}

/// Lower-case hexadecimal, 8-4-4-4-12.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_lower_case_hexadecimal_with_dashes() {
        assert!(is_guid("6f1b6c0e-3a43-4a9b-9d57-0d1c2f1a9a01"));
        assert!(!is_guid("6F1b6c0e-3a43-4a9b-9d57-0d1c2f1a9a01"));
        assert!(!is_guid("6f1b6c0e-3a43-4a9b-9d57-0d1c2f1a9a0"));
        assert!(!is_guid("6f1b6c0e03a43-4a9b-9d57-0d1c2f1a9a01"));
    }

    #[test]
    fn an_index_has_digits_only() {
        assert!(is_index("0") && is_index("12"));
        assert!(!is_index("") && !is_index("-1") && !is_index("1a"));
    }
}
