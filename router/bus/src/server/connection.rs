//! One socket: reads what the client says, writes what waits for it, and watches the clock.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use tracing::{debug, warn};

use super::client::Client;
use super::connect::Info;
use super::hub::{Hub, Seat};
use super::parse::{Limits, Parser};
use super::session::{End, Session};

/// Serves one client until either side has had enough.
pub(super) async fn serve(mut stream: TcpStream, hub: Arc<Hub>, stop: watch::Receiver<()>) {
    let Some(seat) = hub.seat() else {
        // The peer may be gone already, which is what it was to be told.
        let _refused = refuse(&mut stream, End::TooManyConnections).await;
        return;
    };
    let client = Arc::clone(&seat.client);
    match converse(&mut stream, seat, stop).await {
        Ok(End::SlowConsumer) => warn!(client = client.id, "bus-client-cut-off"),
        Ok(end) => debug!(client = client.id, reason = ?end, "bus-client-closed"),
        Err(error) => debug!(client = client.id, %error, "bus-client-closed"),
    }
}

async fn converse(
    stream: &mut TcpStream,
    seat: Seat,
    mut stop: watch::Receiver<()>,
) -> io::Result<End> {
    stream.set_nodelay(true)?;
    let (hub, client) = (Arc::clone(&seat.hub), Arc::clone(&seat.client));
    let addrs = (stream.local_addr()?, stream.peer_addr()?);
    client.say(&Info::new(&hub.options, &hub.server_id, client.id, addrs).line());

    let (read, write) = stream.split();
    let mut reader = Reader::new(read, seat);
    let mut writer = Writer::new(write, client, hub.options.write_deadline);
    let end = tokio::select! {
        end = reader.run() => end,
        end = writer.run() => end,
        // It fails when the server is gone, which is a reason to stop too.
        _ = stop.changed() => End::Shutdown,
    };
    // The subscriptions go before the last words, which may take their time.
    drop(reader);
    timeout(FAREWELL, writer.finish(end))
        .await
        .unwrap_or(Ok(()))?;
    stream.shutdown().await?;
    if end.reply().is_some() {
        timeout(FAREWELL, linger(stream)).await.unwrap_or(Ok(()))?;
    }
    Ok(end)
}

/// Reads what the client still sends: closing at once would reset the connection, and the client
/// might never see why.
async fn linger(stream: &mut TcpStream) -> io::Result<()> {
    let mut ignored = vec![0; 4096];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// How long a client may take to read why it is being disconnected.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a publisher waits for a client that is behind.
const PAUSE: Duration = Duration::from_millis(100);

/// Room for one read; a connection keeps nothing while it is idle.
const READ_BYTES: usize = 32 << 10;

async fn refuse(stream: &mut TcpStream, end: End) -> io::Result<()> {
    let reason = end.reply().unwrap_or_default();
    stream
        .write_all(format!("-ERR '{reason}'\r\n").as_bytes())
        .await?;
    stream.shutdown().await
}

struct Reader<'a> {
    stream: ReadHalf<'a>,
    buffer: BytesMut,
    parser: Parser,
    session: Session,
    pings: Interval,
    /// Pings that the client has not answered.
    pings_out: u32,
    max_pings_out: u32,
    auth_deadline: Instant,
}

impl<'a> Reader<'a> {
    fn new(stream: ReadHalf<'a>, seat: Seat) -> Self {
        let options = &seat.hub.options;
        let limits = Limits {
            control_line: options.max_control_line,
            payload: options.max_payload,
        };
        let mut pings = interval_at(
            Instant::now() + options.ping_interval,
            options.ping_interval,
        );
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            stream,
            buffer: BytesMut::new(),
            parser: Parser::new(limits),
            pings,
            pings_out: 0,
            max_pings_out: options.max_pings_out,
            auth_deadline: Instant::now() + options.auth_timeout,
            session: Session::new(seat),
        }
    }

    async fn run(&mut self) -> End {
        loop {
            let wanted = self.parser.wanted();
            let stranger = !self.session.is_authorized();
            let step = tokio::select! {
                read = read_some(&mut self.stream, &mut self.buffer, wanted) => self.arrived(read),
                _ = self.pings.tick() => self.ping(),
                () = sleep_until(self.auth_deadline), if stranger => Err(End::AuthTimeout),
            };
            match step {
                Ok(None) => {}
                // A publisher that outruns its readers is slowed down, so that they are not cut
                // off for its haste; not for long, so that they cannot stop it either.
                Ok(Some(behind)) => {
                    let _paused = timeout(PAUSE, behind.outbox.caught_up()).await;
                }
                Err(end) => return end,
            }
        }
    }

    fn ping(&mut self) -> Result<Option<Arc<Client>>, End> {
        if self.pings_out >= self.max_pings_out {
            return Err(End::Stale);
        }
        self.pings_out += 1;
        self.session.client().say("PING\r\n");
        Ok(None)
    }

    /// Carries out what has arrived. Gives a client that is behind, if there is one.
    fn arrived(&mut self, read: io::Result<usize>) -> Result<Option<Arc<Client>>, End> {
        if read.map_err(|_| End::Gone)? == 0 {
            return Err(End::Gone);
        }
        self.pings_out = 0;
        let mut behind = None;
        while let Some((op, used)) = self.parser.next(&self.buffer).map_err(End::Protocol)? {
            behind = self.session.perform(op)?.or(behind);
            self.buffer.advance(used);
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Ok(behind)
    }
}

/// Reads once, with room for at least the bytes that the parser waits for.
async fn read_some(
    stream: &mut ReadHalf<'_>,
    buffer: &mut BytesMut,
    wanted: usize,
) -> io::Result<usize> {
    // An idle connection waits here, so the room is made only when there is something to read.
    stream.readable().await?;
    buffer.reserve(READ_BYTES.max(wanted.saturating_sub(buffer.len())));
    stream.read_buf(buffer).await
}

struct Writer<'a> {
    stream: WriteHalf<'a>,
    client: Arc<Client>,
    deadline: Duration,
    /// What was taken from the outbox.
    taken: Vec<u8>,
    /// How much of it has been written.
    written: usize,
}

impl<'a> Writer<'a> {
    fn new(stream: WriteHalf<'a>, client: Arc<Client>, deadline: Duration) -> Self {
        Self {
            stream,
            client,
            deadline,
            taken: Vec::new(),
            written: 0,
        }
    }

    /// Writes whatever comes, until the client is too slow or gone.
    async fn run(&mut self) -> End {
        let client = Arc::clone(&self.client);
        loop {
            if client.outbox.take(&mut self.taken).await.is_err() {
                return End::SlowConsumer;
            }
            let outcome = tokio::select! {
                outcome = self.write_taken() => outcome,
                () = client.outbox.overflowed() => Err(End::SlowConsumer),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    /// Writes what was taken; dropped half-way, it can be called again for the rest.
    async fn write_taken(&mut self) -> Result<(), End> {
        while let Some(rest) = self
            .taken
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            let written = timeout(self.deadline, self.stream.write(rest)).await;
            let written = written
                .map_err(|_| End::SlowConsumer)?
                .map_err(|_| End::Gone)?;
            self.written += written;
            self.client.outbox.wrote(written);
        }
        self.written = 0;
        self.taken.clear();
        if self.taken.capacity() > READ_BYTES {
            self.taken = Vec::new();
        }
        Ok(())
    }

    /// Writes what still waits, and why the connection ends.
    async fn finish(&mut self, end: End) -> io::Result<()> {
        // A client that is gone or does not read hears nothing more; half a message may be on its
        // way, so that nothing could be said either.
        if matches!(end, End::Gone | End::SlowConsumer) {
            return Ok(());
        }
        if let Some(reason) = end.reply() {
            self.client.say(&format!("-ERR '{reason}'\r\n"));
        }
        let Ok(()) = self.write_taken().await else {
            return Ok(());
        };
        while let Ok(true) = self.client.outbox.try_take(&mut self.taken) {
            let Ok(()) = self.write_taken().await else {
                return Ok(());
            };
        }
        Ok(())
    }
}
