//! Respond: the refusal's answer if there is one, and what becomes of the connection.

use std::future::poll_fn;
use std::time::Duration;

use super::deliver::Forwarded;
use super::refusal::Refusal;
use super::{Keep, Reuse, Walk};
use crate::headers::{self, Closing, ResponseFacts};
use crate::message::{Draft, FieldName, Framing, Method, RequestHead, Version};
use crate::observe::Exchange;
use crate::wire::ClientSide;

/// What must be known of a request to answer it, once its head is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) version: Version,
    /// Does the client want to go on?
    pub(super) keeps_alive: bool,
    /// Must the answer have no body?
    pub(super) bodiless: bool,
}

impl Manners {
    fn of(head: &RequestHead, reuse: Reuse) -> Self {
        Self {
            version: head.version(),
            keeps_alive: head.keeps_alive() && reuse == Reuse::Allowed,
            bodiless: head.method() == Method::Head,
        }
    }

    /// What the answer says of the connection, where its body is framed like this.
    pub(super) fn closing(self, framing: Framing) -> Closing {
        match (
            self.keeps_alive && framing != Framing::UntilClose,
            self.version,
        ) {
            (false, _) => Closing::Closes,
            (true, Version::Http10) => Closing::StaysAndSaysSo,
            (true, _) => Closing::Stays,
        }
    }
}

/// How long a client may take to accept a refusal.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(10);

impl Walk<'_> {
    /// How this request is to be answered, as things stand now.
    pub(super) fn manners(&self, head: &RequestHead) -> Manners {
        Manners::of(head, self.around.reuse.get())
    }

    /// Ends the exchange.
    pub(super) async fn respond(
        &self,
        outcome: Result<Forwarded, Refusal>,
        (manners, request_id): (Manners, &[u8; 36]),
        client: &mut ClientSide,
        exchange: &mut Exchange<'_>,
    ) -> Keep {
        match outcome {
            Ok(forwarded) => forwarded.keep,
            Err(refusal) => {
                Box::pin(self.refuse(&refusal, (manners, request_id), client, exchange)).await
            }
        }
    }

    async fn refuse(
        &self,
        refusal: &Refusal,
        (manners, request_id): (Manners, &[u8; 36]),
        client: &mut ClientSide,
        exchange: &mut Exchange<'_>,
    ) -> Keep {
        refusal.count(exchange.metrics());
        let error = refusal.router_error();
        exchange.answered(refusal.status(), error.as_deref().map(str::as_bytes));
        // A body that has arrived already is eaten; one that has not ends the connection.
        if let Some(eaten) = client.take_buffered_body() {
            exchange.received_bytes(eaten.len() as u64);
        }
        let stays = manners.keeps_alive
            && self.around.reuse.get() == Reuse::Allowed
            && client.has_whole_request()
            && !refusal.closes();
        let manners = Manners {
            keeps_alive: stays,
            ..manners
        };
        let body = refusal.body();
        let draft = self.refusal_draft(
            refusal,
            (&body, error.as_deref()),
            (manners, request_id),
            client,
        );
        let body = if manners.bodiless { "" } else { &body };
        if send(client, draft, body.as_bytes(), self).await.is_err() {
            return Keep::Cut;
        }
        exchange.sent_bytes(body.len() as u64);
        if stays { Keep::Open } else { Keep::Close }
    }

    fn refusal_draft(
        &self,
        refusal: &Refusal,
        (body, error): (&str, Option<&str>),
        (manners, request_id): (Manners, &[u8; 36]),
        client: &ClientSide,
    ) -> Draft {
        let mut draft = Draft::response(
            client.marks(),
            refusal.status(),
            refusal.reason().as_bytes(),
        );
        let length = body.len().to_string();
        let mut fields: Vec<(&str, &[u8])> =
            vec![(FieldName::ContentLength.text(), length.as_bytes())];
        if let Some(cache_control) = refusal.cache_control() {
            fields.push(("Cache-Control", cache_control.as_bytes()));
        }
        match refusal {
            Refusal::HealthProbe { .. } => fields.push(("Expires", b"0")),
            Refusal::MethodNotAllowed => fields.push((
                "Allow",
                b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE",
            )),
            _ => {}
        }
        if !body.is_empty() {
            fields.push((FieldName::ContentType.text(), b"text/plain; charset=utf-8"));
            fields.push(("X-Content-Type-Options", b"nosniff"));
        }
        if let Some(error) = error {
            fields.push((FieldName::XCfRouterError.text(), error.as_bytes()));
        }
        let date = self.date();
        let facts = ResponseFacts {
            request_id,
            date: &date,
            framing: Framing::of_length(body.len() as u64),
            closing: manners.closing(Framing::Empty),
            version: manners.version,
            cookie: None,
            trace: None,
        };
        headers::rewrite(&mut draft, &fields, &facts, &self.settings.response_rules);
        draft
    }

    /// The current date.
    pub(super) fn date(&self) -> [u8; 29] {
        let clock = self.proxy.observer.clock();
        self.proxy.date.at(clock.unix_nanos(clock.now()))
    }
}

async fn send(
    client: &mut ClientSide,
    draft: Draft,
    body: &[u8],
    walk: &Walk<'_>,
) -> std::io::Result<()> {
    client.begin(draft, Framing::of_length(body.len() as u64))?;
    walk.around.timer.arm(Some(REFUSAL_TIMEOUT));
    let mut sent = 0;
    poll_fn(|cx| {
        while let Some(rest) = body.get(sent..).filter(|rest| !rest.is_empty()) {
            match client.poll_send(cx, rest) {
                std::task::Poll::Ready(taken) => sent += taken?,
                std::task::Poll::Pending => return expired(walk, cx),
            }
        }
        match client.poll_finish(cx, None) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(done),
            std::task::Poll::Pending => expired(walk, cx),
        }
    })
    .await
}

fn expired(walk: &Walk<'_>, cx: &std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
    walk.around
        .timer
        .poll_expired(cx)
        .map(|()| Err(std::io::ErrorKind::TimedOut.into()))
}
