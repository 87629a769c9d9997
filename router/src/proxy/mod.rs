//! Proxy: one exchange, from request to response. This is the walk.
//!
//! In: a request head that a wire has found unambiguous, and the client's side of the exchange.
//! Out: the answer, on that side, and what becomes of the connection ([`Keep`]). It asks the
//! route table, the endpoints and nobody else. Never: a change of the table, a lock, a body held
//! in memory beyond one buffer a side.

mod admit;
mod affinity;
mod attempt;
mod build;
mod date;
mod deliver;
mod forward;
mod limit;
mod lookup;
mod refusal;
mod respond;
mod rewrite;
mod route_service;
mod settings;
mod surroundings;
mod trace;
mod tunnel;
mod verdict;

use crate::message::RequestHead;
use crate::observe::Exchange;
use crate::wire::ClientSide;

pub use build::Proxy;
pub use refusal::Refusal;
pub use settings::{EndpointKeepAlive, Settings, SharedSettings};
pub use surroundings::{Keep, Reuse, Surroundings};

use deliver::Forwarded;

impl Proxy {
    /// Carries one exchange: the request to an endpoint, its answer back to the client.
    pub async fn serve(
        &self,
        head: RequestHead,
        client: &mut ClientSide,
        around: Surroundings<'_>,
    ) -> Keep {
        let settings = self.settings.pin();
        let walk = Walk {
            proxy: self,
            settings: &settings,
            around,
        };
        let mut exchange = Exchange::begin(&self.observer, &head, around.peer);
        let request_id = self.random.uuid();
        let manners = walk.manners(&head);
        let outcome = walk
            .carry((&head, &request_id), client, &mut exchange)
            .await;
        walk.respond(outcome, (manners, &request_id), client, &mut exchange)
            .await
    }
}

/// One exchange on its walk: the settings it was begun with, and where it takes place.
struct Walk<'w> {
    proxy: &'w Proxy,
    settings: &'w Settings,
    around: Surroundings<'w>,
}

impl Walk<'_> {
    async fn carry(
        &self,
        (head, request_id): (&RequestHead, &[u8; 36]),
        client: &mut ClientSide,
        exchange: &mut Exchange<'_>,
    ) -> Result<Forwarded, Refusal> {
        let traced = self.trace(head, request_id, exchange);
        let admitted = self.admit(traced)?;
        let routed = self.lookup(admitted, exchange)?;
        let limited = self.limit(routed)?;
        let directed = self.route_service(limited)?;
        let outbound = self.rewrite(directed, exchange);
        self.forward(outbound, client, exchange).await
    }
}
