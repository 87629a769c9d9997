//! Controllers as processes: members of one platform, and calls as its clients make them.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What the members share.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bus: SocketAddr,
    pub(crate) database: String,
    pub(crate) directory: PathBuf,
}

/// One controller.
pub(crate) struct Member {
    pub(crate) address: SocketAddr,
    child: Killed,
    said: PathBuf,
}

/// A process that is killed when it is dropped.
struct Killed(Child);

/// A controller that was started, and has not said yet where it listens.
pub(crate) struct Starting {
    child: Killed,
    said: PathBuf,
}

impl Place {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
        command
            .args(["controller", "--listen", "127.0.0.1:0"])
            .args(["--nats", &format!("nats://{}", self.bus)])
            .args(["--database", &self.database])
            .arg("--dir")
            .arg(&self.directory)
            .stdin(Stdio::null());
        command
    }

    /// Starts a member that makes Ada an administrator; `notes` is a directory of the test's own.
    pub(crate) fn start(&self, notes: &Path, number: usize) -> Starting {
        let password = notes.join("password");
        fs::write(&password, PASSWORD).unwrap();
        let said = notes.join(format!("said-{number}"));
        let child = self
            .command()
            .args(["--admin-user", "ada", "--admin-password-file"])
            .arg(&password)
            .stdout(Stdio::piped())
            .stderr(File::create(&said).unwrap())
            .spawn()
            .unwrap();
        Starting {
            child: Killed(child),
            said,
        }
    }
}

impl Starting {
    /// Waits until it listens.
    pub(crate) async fn listening(mut self) -> Member {
        let stdout = self.child.0.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            line
        });
        let line = line.await.unwrap();
        let address = line.trim().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{}", read(&self.said)));
        Member {
            address: address.parse().unwrap(),
            child: self.child,
            said: self.said,
        }
    }
}

impl Member {
    /// How often it began to lead.
    pub(crate) fn led(&self) -> usize {
        read(&self.said).matches("controller-leads").count()
    }

    pub(crate) fn kill(&mut self) {
        self.child.0.kill().unwrap();
        self.child.0.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // A test may have killed it before.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A client that knows all members, and tries the next one once where one does not answer.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) members: Vec<SocketAddr>,
    pub(crate) token: String,
}

/// What was answered: the status, the document, and whether the first member answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) document: Value,
    pub(crate) at_first: bool,
}

impl Caller {
    /// Logs in at the first member.
    pub(crate) async fn log_in(members: Vec<SocketAddr>) -> Self {
        let mut caller = Self {
            members,
            token: String::new(),
        };
        let form = format!("grant_type=password&client_id=cf&username=ada&password={PASSWORD}");
        let kind = "application/x-www-form-urlencoded";
        let answer = caller.exchange(0, "POST /oauth/token", (kind, &form)).await;
        let answer = answer.unwrap();
        assert_eq!(answer.0, 200, "{}", answer.1);
        caller.token = answer.1["access_token"].as_str().unwrap().to_owned();
        caller
    }

    /// What `asked` (as in `GET /v3/apps`) gets from the member `first`, or from the one after it.
    pub(crate) async fn call(
        &self,
        first: usize,
        asked: &str,
        body: &Value,
    ) -> Result<Answer, String> {
        let mut complaints = String::new();
        for turn in 0..2 {
            let body = body.to_string();
            let answer = self.exchange(first + turn, asked, ("application/json", &body));
            match answer.await {
                Ok((status, document)) if status < 500 => {
                    return Ok(Answer {
                        status,
                        document,
                        at_first: turn == 0,
                    });
                }
                Ok((status, document)) => complaints += &format!("{status} {document}; "),
                Err(error) => complaints += &format!("{error}; "),
            }
        }
        Err(format!("{asked}: {complaints}"))
    }

    async fn exchange(
        &self,
        member: usize,
        asked: &str,
        (kind, body): (&str, &str),
    ) -> io::Result<(u16, Value)> {
        let address = self.members[member % self.members.len()];
        let bearer = match self.token.as_str() {
            "" => String::new(),
            token => format!("Authorization: bearer {token}\r\n"),
        };
        let length = body.len();
        let request = format!(
            "{asked} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{bearer}\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answered = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            io::Result::Ok(answer)
        };
        let answer = timeout(CALL, answered)
            .await
            .map_err(|_| io::ErrorKind::TimedOut)??;
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let document = serde_json::from_str(body).unwrap_or(Value::Null);
        Ok((status.ok_or_else(cut)?, document))
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

const PASSWORD: &str = "correct-horse-battery";
/// No call takes longer than this.
const CALL: Duration = Duration::from_secs(30);
