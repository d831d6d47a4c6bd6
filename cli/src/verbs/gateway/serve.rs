//! `silk gateway serve`: the gateway as a server, until a signal ends it.
//!
//! SIGHUP, or a change of the file, loads the configuration anew; one that makes
//! no sense is told and the one before stays. The first Ctrl-C or SIGTERM lets
//! answers under way end, the second ends at once.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use gateway::GatewayConfig;
use gateway_server::{Access, AccessLog, Notice, Notices, Options, Server, StartError};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use super::tls::TlsFiles;
use super::{settings, spend};
use crate::args::{GatewayServeArgs, Global};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json;
use crate::ui::{STRONG, Ui};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Serving {
    version: u32,
    event: &'static str,
    /// The base address for clients.
    url: String,
    /// True if clients need no key.
    open: bool,
    deployments: usize,
}

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn run(flags: Global, args: &GatewayServeArgs) -> Outcome {
    let mut ui = Ui::new(&flags);
    let tls = TlsFiles::of(args);
    let source = Source { flags, allow_remote: args.allow_remote, tls };
    let (config, name) = source.load(&ui)?;
    let deployments = config.endpoints.len();
    // Redis keeps it for all replicas, and after them.
    let spend = match config.server.redis {
        Some(_) => None,
        None => spend::open(args.spend_file.as_deref(), &name, &ui)?,
    };
    let options = Options {
        body_bytes: usize::from(args.max_body_mib) << 20,
        bodies_bytes: (args.max_bodies_mib as usize) << 20,
        spend,
        drain: Duration::from_secs(args.drain),
        access_log: args.access_log.as_ref().map(access_log).transpose()?,
        notices: Some(notices(&source.flags)),
        ..Options::default()
    };
    let server = Server::new(config, options).map_err(start_failure)?;
    if let Some(files) = &source.tls {
        server.use_tls(files.load(&ui)?);
    }
    let runtime = runtime()?;
    let _deferred = Deferred::begin();
    let cut_off = runtime.block_on(async {
        let listener = listen(&server, args).await?;
        let scheme = if source.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/v1", listener.local_addr()?);
        announce(&mut ui, &server, url, deployments)?;
        let reloading = reload_when_told(&server, &source, &ui);
        let stop = async {
            interrupt::arrived().await;
        };
        tokio::select! {
            cut_off = server.serve(listener, stop) => Ok::<_, Failure>(cut_off),
            never = reloading => never,
        }
    })?;
    if cut_off > 0 {
        ui.warn(format!("{cut_off} connections were still open after {} s", args.drain));
    }
    Ok(interrupt::pending().unwrap_or(Exit::Ok))
}

/// As many threads as there are processors to use: with one, nothing is ever
/// handed from thread to thread.
fn runtime() -> Result<Runtime, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    Ok(builder.worker_threads(threads).enable_all().build()?)
}

async fn listen(server: &Server, args: &GatewayServeArgs) -> Result<TcpListener, Failure> {
    let address = args.listen;
    server.listen(address, args.allow_open).await.map_err(|error| {
        let failure = Failure::new(Exit::Usage, format!("cannot serve on {address}"));
        match &error {
            StartError::Open => failure
                .detail("found: an address that others can reach, and no key that they would need")
                .hint("set general_settings.master_key (or `master_key_env` in [gateway.server]), or say --allow-open"),
            _ => failure.caused_by(&error).hint("choose another with --listen; port 0 takes a free one"),
        }
    })
}

fn announce(ui: &mut Ui, server: &Server, url: String, deployments: usize) -> Result<(), Failure> {
    let open = server.is_open();
    if ui.json {
        let version = json::VERSION;
        ui.json_line(&Serving { version, event: "serving", url, open, deployments })?;
    } else {
        writeln!(ui.out, "{STRONG}{url}{STRONG:#}  {deployments} endpoints")?;
        ui.out.flush()?;
    }
    if open {
        ui.note("no key is needed: whoever can connect may ask");
    }
    ui.note("Ctrl-C ends, after answers under way; SIGHUP loads the configuration anew");
    Ok(())
}

/// Where the configuration comes from.
struct Source {
    flags: Global,
    allow_remote: bool,
    /// `None`: clients speak plain HTTP.
    tls: Option<TlsFiles>,
}

impl Source {
    /// Loads the configuration, with its keys filled in; and what it is called.
    fn load(&self, ui: &Ui) -> Result<(GatewayConfig, String), Failure> {
        let (settings, _) = settings::load(&self.flags)?;
        for missing in settings.missing {
            ui.warn(format!("{}: {} is not set", missing.owner, missing.variable));
        }
        for odd in settings.odd {
            ui.warn(odd);
        }
        for key in settings.expiring {
            ui.warn(key);
        }
        let config = local_only(settings.config, settings.allow_remote || self.allow_remote, ui);
        if config.endpoints.is_empty() {
            return Err(Failure::new(Exit::Usage, "no endpoint is configured").hint(
                "name a LiteLLM config.yaml or a TOML file with [gateway] by --config FILE",
            ));
        }
        Ok((config, settings.source))
    }

    /// When each of the files was last written.
    fn stamps(&self) -> [Option<SystemTime>; 3] {
        let stamp = |path: &PathBuf| std::fs::metadata(path).ok()?.modified().ok();
        let tls = self.tls.as_ref();
        let files = [self.flags.config.as_ref(), tls.map(|f| &f.cert), tls.map(|f| &f.key)];
        files.map(|path| path.and_then(stamp))
    }

    /// Takes over what the files say now; what makes no sense is told, and what was before stays.
    fn reload(&self, server: &Server, ui: &Ui) {
        let loaded = self.load(ui).and_then(|(config, _)| {
            server.reload(config).map_err(|error| start_failure(StartError::Config(error)))
        });
        match loaded {
            Ok(()) => ui.note("took over the changed configuration"),
            Err(failure) => ui.warn(format!("the configuration before stays: {failure}")),
        }
        match self.tls.as_ref().map(|files| files.load(ui)) {
            Some(Ok(tls)) => server.use_tls(tls),
            Some(Err(failure)) => ui.warn(format!("the certificate before stays: {failure}")),
            None => {}
        }
    }
}

/// Leaves out endpoints off this machine unless there was a yes to them.
fn local_only(mut config: GatewayConfig, allowed: bool, ui: &Ui) -> GatewayConfig {
    if allowed {
        return config;
    }
    config.endpoints.retain(|endpoint| {
        let parsed = gateway_client::Endpoint::parse(&endpoint.name, &endpoint.url, None);
        // What cannot be parsed is told when the table is made.
        let keep = parsed.map_or(true, |parsed| parsed.is_local());
        if !keep {
            let name = &endpoint.name;
            ui.note(format!(
                "endpoint `{name}` is left out: it is not on this machine (--allow-remote)"
            ));
        }
        keep
    });
    config
}

/// Never ends, save where signals cannot be watched.
async fn reload_when_told(server: &Server, source: &Source, ui: &Ui) -> Result<usize, Failure> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut stamps = source.stamps();
    loop {
        let told = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let newer = source.stamps();
        // A file that is away for a moment is being written.
        let changed = newer.iter().zip(&stamps).any(|(new, old)| new.is_some() && new != old);
        if told || changed {
            stamps = newer;
            source.reload(server, ui);
        }
    }
}

fn access_log(path: &PathBuf) -> Result<AccessLog, Failure> {
    let sink: Box<dyn Write + Send> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stderr()),
        false => {
            Box::new(OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
                Failure::new(Exit::Usage, format!("cannot write {}", path.display()))
                    .caused_by(&error)
            })?)
        }
    };
    let sink = Mutex::new(sink);
    Ok(Arc::new(move |access: &Access| {
        let Ok(mut line) = serde_json::to_vec(access) else { return };
        line.push(b'\n');
        // A full disk must not end the service.
        let _ = sink.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(&line);
    }))
}

/// Says what whoever runs the gateway should know.
fn notices(flags: &Global) -> Notices {
    let flags = flags.clone();
    Arc::new(move |notice: &Notice| {
        let ui = Ui::new(&flags);
        match notice {
            Notice::SharedStateLost(lost) => {
                ui.warn(format!("{lost}; limits hold for this replica by its own estimate"));
            }
            Notice::SpendNotKept(why) => {
                ui.warn(format!("what is spent cannot be written down: {why}"));
            }
            Notice::SpansLost(why) => ui.warn(format!("spans of requests are lost: {why}")),
            Notice::SharedStateBack => ui.note("the state that replicas share is back"),
            _ => {}
        }
    })
}

fn start_failure(error: StartError) -> Failure {
    Failure::new(Exit::Usage, "the gateway cannot start")
        .caused_by(&error)
        .hint("`silk gateway check` shows what the configuration amounts to")
}
