//! Carriers: where the state of an exchange lives, so that a connection between two requests has none.
//!
//! The state of a whole exchange is ten times that of an idle connection. A carrier is a coroutine
//! that holds it: a connection lends it a request and itself, polls it until the answer is out, and
//! leaves it to the next one. As many exist as exchanges went on at once, up to [`MOST_RESTING`].

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::drain::DrainWatch;
use crate::core::Timer;
use crate::message::RequestHead;
use crate::peer::Peer;
use crate::proxy::{Keep, Proxy, Surroundings};
use crate::wire::ClientSide;

/// Carriers of one core that are kept for later; about 3 KiB each.
const MOST_RESTING: usize = 1024;

/// A client's connection, and what it needs during an exchange.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) side: ClientSide,
    pub(super) peer: Peer,
    pub(super) timer: Timer,
}

/// What a connection and its carrier hand each other.
enum Mail {
    Request(RequestHead, Box<Client>),
    Answered(Keep, Box<Client>),
}

type Mailbox = Rc<Cell<Option<Mail>>>;

/// The carriers of one core.
pub(super) struct Carriers {
    proxy: Rc<Proxy>,
    drain: DrainWatch,
    // perf: the last to rest is the first to go, for its memory is still in the cache.
    resting: RefCell<Vec<Carrier>>,
}

struct Carrier {
    mail: Mailbox,
    life: Pin<Box<dyn Future<Output = ()>>>,
}

impl Carriers {
    pub(super) fn new(proxy: Rc<Proxy>, drain: DrainWatch) -> Self {
        Self {
            proxy,
            drain,
            resting: RefCell::default(),
        }
    }

    /// Carries one exchange.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the exchange and the connection end with it.
    pub(super) async fn carry(
        &self,
        head: RequestHead,
        client: Box<Client>,
    ) -> (Keep, Box<Client>) {
        let mut carrier = self.take();
        carrier.mail.set(Some(Mail::Request(head, client)));
        let answered = poll_fn(|cx| carrier.poll(cx)).await;
        self.put_back(carrier);
        answered
    }

    fn take(&self) -> Carrier {
        let rested = self.resting.borrow_mut().pop();
        rested.unwrap_or_else(|| {
            let mail = Mailbox::default();
            let life = live(Rc::clone(&self.proxy), self.drain.clone(), Rc::clone(&mail));
            Carrier {
                mail,
                life: Box::pin(life),
            }
        })
    }

    fn put_back(&self, carrier: Carrier) {
        let mut resting = self.resting.borrow_mut();
        if resting.len() < MOST_RESTING {
            resting.push(carrier);
        }
    }
}

impl Carrier {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Keep, Box<Client>)> {
        // A carrier's life never ends by itself: it waits for the next request.
        let _waits = self.life.as_mut().poll(cx);
        match self.mail.take() {
            Some(Mail::Answered(keep, client)) => Poll::Ready((keep, client)),
            Some(Mail::Request(..)) | None => Poll::Pending,
        }
    }
}

/// Carries one exchange after the other.
async fn live(proxy: Rc<Proxy>, drain: DrainWatch, mail: Mailbox) {
    loop {
        let (head, mut client) = poll_fn(|_| match mail.take() {
            Some(Mail::Request(head, client)) => Poll::Ready((head, client)),
            answered => {
                mail.set(answered);
                Poll::Pending
            }
        })
        .await;
        let Client { side, peer, timer } = &mut *client;
        let around = Surroundings {
            peer,
            timer,
            reuse: drain.reuse(),
        };
        let keep = proxy.serve(head, side, around).await;
        mail.set(Some(Mail::Answered(keep, client)));
    }
}

impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carriers")
            .field("resting", &self.resting.borrow().len())
            .finish_non_exhaustive()
    }
}
