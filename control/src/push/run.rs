//! One run of `kato`: from the words of the command line to their end.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::runtime::Builder;

use super::account::{Credentials, Links};
use super::client::Client;
use super::deploy::deploy;
use super::error::KatoError;
use super::home::{Home, Session};
use super::manifest::Manifest;
use super::operate::operate;
use super::options::{AccountOptions, KatoCommand, KatoOptions, PushOptions};
use super::plan::Plan;
use super::progress::Progress;
use super::space::{Space, app, ensure_space, find_space, only_space};
use super::summary::{show, show_all};
use crate::dial::Trust;

/// Does what the command line says.
///
/// # Errors
///
/// Fails when the API cannot be reached or refuses, and when what was asked for did not happen.
pub fn run(options: &KatoOptions) -> Result<(), KatoError> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(KatoError::Runtime)?;
    runtime.block_on(live(options))
}

async fn live(options: &KatoOptions) -> Result<(), KatoError> {
    let home = Home::find();
    let account = &options.account;
    let progress = Progress::of_stdout();
    let mut session = session(&home, account).await?;
    if matches!(options.command, KatoCommand::Login) {
        return log_in(&home, account, session, &progress).await;
    }
    let client = client(account, &session).await?;
    let outcome = command(options, &client, &mut session, &progress).await;
    // A token of this command line alone is nobody's session.
    if account.token.is_none() && account.user.is_none() {
        session.credentials = Some(client.credentials());
        home.save(&session)?;
    }
    outcome
}

async fn command(
    options: &KatoOptions,
    client: &Client,
    session: &mut Session,
    progress: &Progress,
) -> Result<(), KatoError> {
    let account = &options.account;
    let target = match &options.command {
        KatoCommand::Target(target) => target,
        other => {
            let space = space(client, account, session.space.as_ref()).await?;
            return match other {
                KatoCommand::Apps => show_all(client, progress, &space).await,
                KatoCommand::One(command) => operate(client, progress, &space, command).await,
                KatoCommand::Push(options) => push(client, &space, options, progress).await,
                KatoCommand::Login | KatoCommand::Target(_) => Ok(()),
            };
        }
    };
    let chosen = match (&account.org, &account.space) {
        (Some(org), Some(space)) if target.create => ensure_space(client, org, space).await?,
        _ => space(client, account, session.space.as_ref()).await?,
    };
    tell_target(progress, &chosen);
    session.space = Some(chosen);
    Ok(())
}

/// Pushes what the manifest and the command line name, one application after the other.
async fn push(
    client: &Client,
    space: &Space,
    options: &PushOptions,
    progress: &Progress,
) -> Result<(), KatoError> {
    for plan in plans(options)? {
        deploy(client, space, &plan, progress).await?;
        let app = app(client, space, &plan.name).await?;
        show(client, progress, space, &app).await?;
    }
    Ok(())
}

fn plans(options: &PushOptions) -> Result<Vec<Plan>, KatoError> {
    let name = options.name.as_deref();
    let manifest = Manifest::find(options.manifest.as_deref(), Path::new(""))?;
    let mut plans = match (&manifest, name) {
        (Some(manifest), name) => manifest.plans(name)?,
        (None, Some(name)) => vec![Plan::new(name, PathBuf::from("."))],
        (None, None) => return Err(KatoError::NoName),
    };
    if plans.len() > 1 && options.is_about_one() {
        return Err(KatoError::NoName);
    }
    plans.iter_mut().for_each(|plan| options.change(plan));
    Ok(plans)
}

/// What is known before anybody is asked: the last session, or that of another API.
async fn session(home: &Home, account: &AccountOptions) -> Result<Session, KatoError> {
    let last = home.load()?;
    let trust = Trust::beside(account.ca_file.as_deref()).map_err(KatoError::Authorities)?;
    match (&account.api, last) {
        (None, Some(mut last)) => {
            last.links.trust = trust;
            Ok(last)
        }
        (None, None) => Err(KatoError::Api),
        (Some(api), last) => {
            let links = Links::discover(api, &trust).await?;
            let same = last.filter(|last| last.links.api == links.api);
            Ok(Session {
                credentials: same.as_ref().and_then(|last| last.credentials.clone()),
                space: same.and_then(|last| last.space),
                links,
            })
        }
    }
}

async fn client(account: &AccountOptions, session: &Session) -> Result<Client, KatoError> {
    let links = session.links.clone();
    let credentials = if let Some(token) = &account.token {
        Credentials {
            access_token: token.trim_start_matches("bearer ").to_owned(),
            refresh_token: None,
        }
    } else if let Some(user) = &account.user {
        links.log_in(user, &password(account, user)?).await?
    } else {
        session.credentials.clone().ok_or(KatoError::NoSession)?
    };
    Ok(Client::new(links, credentials))
}

async fn space(
    client: &Client,
    account: &AccountOptions,
    last: Option<&Space>,
) -> Result<Space, KatoError> {
    match (&account.org, &account.space, last) {
        (Some(org), Some(space), _) => find_space(client, org, space).await,
        (None, Some(space), Some(last)) => find_space(client, &last.organization, space).await,
        (None, None, Some(last)) => Ok(last.clone()),
        (org, space, _) => only_space(client, org.as_deref(), space.as_deref()).await,
    }
}

/// The space of the last login, looked for by its name: since then the platform may have been made anew
/// at the same address, or another user may ask.
async fn again(client: &Client, last: &Space) -> Result<Space, KatoError> {
    match find_space(client, &last.organization, &last.name).await {
        Err(KatoError::Target(_)) => only_space(client, None, None).await,
        found => found,
    }
}

async fn log_in(
    home: &Home,
    account: &AccountOptions,
    mut session: Session,
    progress: &Progress,
) -> Result<(), KatoError> {
    let user = match &account.user {
        Some(user) => user.clone(),
        None => ask("user name: ", Echo::On)?,
    };
    let password = password(account, &user)?;
    let credentials = session.links.log_in(&user, &password).await?;
    progress.step("api", session.links.api.url().as_str());
    progress.step("user", &user);
    let client = Client::new(session.links.clone(), credentials);
    let found = match &session.space {
        Some(last) if account.org.is_none() && account.space.is_none() => {
            again(&client, last).await
        }
        last => space(&client, account, last.as_ref()).await,
    };
    session.space = found.as_ref().ok().cloned();
    session.credentials = Some(client.credentials());
    home.save(&session)?;
    match found {
        Ok(space) => tell_target(progress, &space),
        Err(error) if account.org.is_some() || account.space.is_some() => return Err(error),
        // Nobody named one, so there is no target yet; the next command says what to do about it.
        Err(_) => {}
    }
    Ok(())
}

fn tell_target(progress: &Progress, space: &Space) {
    let place = format!("{} / {}", space.organization, space.name);
    progress.step("target", &place);
}

fn password(account: &AccountOptions, user: &str) -> Result<String, KatoError> {
    match &account.password_file {
        Some(path) if path == Path::new("-") => ask("", Echo::On),
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(source) => Err(KatoError::File {
                path: path.clone(),
                source,
            }),
        },
        None => ask(&format!("password of {user}: "), Echo::Off),
    }
}

/// Whether a terminal shows what is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Echo {
    Off,
    On,
}

fn ask(prompt: &str, echo: Echo) -> Result<String, KatoError> {
    let terminal = io::stdin().is_terminal();
    if terminal {
        eprint!("{prompt}");
        let _ = io::stderr().flush();
    }
    let hidden = terminal && echo == Echo::Off;
    if hidden {
        stty("-echo");
    }
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if hidden {
        stty("echo");
        eprintln!();
    }
    let path = PathBuf::from("standard input");
    read.map_err(|source| KatoError::File { path, source })?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Sets the terminal; one that cannot be set shows the password, which is a pity and no more.
fn stty(setting: &str) {
    let mut command = Command::new("stty");
    let _ = command.arg(setting).stderr(Stdio::null()).status();
}
