//! Which server to try next, and when.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{ReconnectToServer, Server};

use super::backoff::Backoff;

/// Chooses servers in turn; the library asks it before every attempt.
pub(super) struct Selector {
    backoff: Backoff,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Attempts since there was a connection.
    attempts: u32,
    /// The server tried last, as the library writes it.
    last: Option<String>,
}

impl Selector {
    /// A selector whose first choice is `first`.
    pub(super) fn new(backoff: Backoff, first: &async_nats::ServerAddr) -> Self {
        let state = State {
            attempts: 0,
            last: Some(name(first)),
        };
        Self {
            backoff,
            state: Mutex::new(state),
        }
    }

    /// The next server of `pool` to try; `random` in 0..1 spreads the wait.
    pub(super) fn choose(&self, pool: &[Server], random: f64) -> Option<ReconnectToServer> {
        let mut state = self.lock();
        let last = state.last.as_deref();
        let place = pool
            .iter()
            .position(|server| last == Some(&*name(&server.addr)));
        let first = state.attempts == 0 && pool.iter().all(|server| !server.did_connect);
        let next = match place {
            Some(place) if first => pool.get(place),
            Some(place) => pool.get(place + 1).or_else(|| pool.first()),
            None => pool.first(),
        }?;
        let delay = if first {
            Duration::ZERO
        } else {
            self.wait(state.attempts, pool.len(), random)
        };
        state.attempts = state.attempts.saturating_add(1);
        state.last = Some(name(&next.addr));
        Some(ReconnectToServer {
            addr: next.addr.clone(),
            delay: Some(delay),
        })
    }

    /// Notes that the last choice was a good one, and names it.
    pub(super) fn connected(&self) -> String {
        let mut state = self.lock();
        state.attempts = 0;
        state.last.clone().unwrap_or_default()
    }

    /// The server that was chosen last.
    pub(super) fn last(&self) -> String {
        self.lock().last.clone().unwrap_or_default()
    }

    /// Servers of one round follow each other at once; the wait is between rounds.
    fn wait(&self, attempts: u32, servers: usize, random: f64) -> Duration {
        let servers = u32::try_from(servers).unwrap_or(u32::MAX).max(1);
        match attempts % servers {
            0 => self.backoff.wait(attempts / servers, random),
            _ => Duration::ZERO,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // invariant: nothing panics between two writes of the state, so poison means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(addr: &async_nats::ServerAddr) -> String {
    format!("{}:{}", addr.host(), addr.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(ports: &[u16], did_connect: bool) -> Vec<Server> {
        let server = |port: &u16| Server {
            addr: format!("nats://127.0.0.1:{port}").parse().unwrap(),
            failed_attempts: 0,
            did_connect,
            is_discovered: false,
            last_error: None,
        };
        ports.iter().map(server).collect()
    }

    fn selector(first: u16) -> Selector {
        let first = format!("nats://127.0.0.1:{first}").parse().unwrap();
        Selector::new(
            Backoff {
                max: Duration::from_secs(2),
            },
            &first,
        )
    }

    fn choose(selector: &Selector, pool: &[Server]) -> (u16, u128) {
        let choice = selector.choose(pool, 1.0).unwrap();
        (choice.addr.port(), choice.delay.unwrap().as_millis())
    }

    #[test]
    fn the_first_choice_is_the_given_one_without_a_wait() {
        assert_eq!(choose(&selector(2), &pool(&[1, 2, 3], false)), (2, 0));
    }

    #[test]
    fn servers_take_turns_and_rounds_wait_longer_and_longer() {
        let (selector, servers) = (selector(2), pool(&[1, 2], true));
        let choices = [0; 5].map(|_| choose(&selector, &servers));
        assert_eq!(choices, [(1, 50), (2, 0), (1, 100), (2, 0), (1, 200)]);
        assert_eq!(selector.connected(), "127.0.0.1:1");
        assert_eq!(choose(&selector, &servers), (2, 50));
    }

    #[test]
    fn a_single_server_is_tried_again_and_again() {
        let (selector, servers) = (selector(1), pool(&[1], true));
        let choices = [0; 8].map(|_| choose(&selector, &servers).1);
        assert_eq!(choices, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
    }
}
