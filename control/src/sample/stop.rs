//! The word that ends everything, said once and heard by all.

use tokio::sync::watch;

/// Says stop. Dropping it says so too.
#[derive(Debug)]
pub(super) struct StopSender(watch::Sender<bool>);

/// Hears of it.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<bool>);

/// A sender and what hears it.
pub(super) fn channel() -> (StopSender, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopSender(sender), Stop(receiver))
}

impl StopSender {
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until stop has been said, be it long ago.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is consumed.
    pub(super) async fn said(&mut self) {
        // An error means that nobody is left to say it, which says it too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
