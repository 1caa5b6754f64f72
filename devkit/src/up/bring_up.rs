//! The way up, step by step.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::watch::Watch;
use crate::command::Up;
use crate::configuration::{write_enclave, write_host};
use crate::directory::Layout;
use crate::error::DevError;
use crate::gateways::Gateway;
use crate::operator::Operator;
use crate::ports::Ports;
use crate::programs::Programs;
use crate::reference::{self, Measured};
use crate::role::{GATEWAYS, Role};
use crate::running::Running;
use crate::supervisor::{Event, Launch, Supervisor};

/// How long a role that waits for nobody may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the gateways may take before the enclave is started anyway; it waits for two by itself.
const GATEWAYS_PATIENCE: Duration = Duration::from_secs(5);
/// How long the sidecar may report an enclave as unhealthy that says that it is ready.
const HEALTH_PATIENCE: Duration = Duration::from_secs(180);
/// The pause between two looks at the health.
const HEALTH_PAUSE: Duration = Duration::from_millis(100);

/// What coming up needs.
pub(super) struct BringUp<'a> {
    options: &'a Up,
    programs: &'a Programs,
    layout: &'a Layout,
    supervisor: &'a mut Supervisor,
    watch: Watch<'a>,
}

impl<'a> BringUp<'a> {
    pub(super) fn new(
        options: &'a Up,
        programs: &'a Programs,
        layout: &'a Layout,
        supervisor: &'a mut Supervisor,
        events: &'a mut mpsc::Receiver<(Role, Event)>,
    ) -> Self {
        Self { options, programs, layout, supervisor, watch: Watch::new(events, layout) }
    }

    /// Brings everything up and returns once the set-up can sign.
    pub(super) async fn run(mut self) -> Result<Running, DevError> {
        let operator = Operator::open(self.layout)?;
        let ports = Ports::open(self.layout, self.options.listen)?;
        let (gateways, config_digest) = self.provision(&operator, &ports).await?;
        let measured = self.start_processor().await?;
        self.hold_measured(&measured, &config_digest)?;
        reference::write(self.layout, &operator, &measured)?;
        self.start_gateways(&gateways).await?;
        self.start_host().await?;
        self.start_enclave().await?;
        self.start_connect(&ports, &gateways).await?;
        let running = self.running(&operator, &ports, measured, config_digest);
        self.healthy(&running.base_url).await?;
        Ok(Running { pids: self.supervisor.pids().to_json(), ..running })
    }

    async fn provision(
        &self,
        operator: &Operator,
        ports: &Ports,
    ) -> Result<([Gateway; 3], String), DevError> {
        let gateways = Gateway::all(self.layout, &self.programs.of(Role::Gateway(0)));
        let mut identities = [const { String::new() }; 3];
        for ((gateway, listen), identity) in gateways.iter().zip(ports.gateways).zip(&mut identities) {
            gateway.provision().await?;
            gateway.configure(listen, self.layout)?;
            *identity = gateway.identity()?;
        }
        write_host(self.layout, ports)?;
        let digest = write_enclave(self.layout, operator, &identities, self.options.kek_ttl)?;
        Ok((gateways, digest))
    }

    async fn start_processor(&mut self) -> Result<Measured, DevError> {
        let role = Role::Processor;
        self.start(
            role,
            vec![
                "--state".into(),
                self.layout.processor().into(),
                "--socket".into(),
                self.layout.socket("processor").into(),
                "--program".into(),
                self.programs.of(Role::Enclave).into(),
                "--configuration".into(),
                self.layout.configuration().into(),
            ],
        );
        let said = self.ready_soon(role).await?;
        serde_json::from_value(said)
            .map_err(|error| DevError::Role { role, detail: format!("its ready line: {error}") })
    }

    /// The processor must have measured the very bytes that were written.
    fn hold_measured(&self, measured: &Measured, config_digest: &str) -> Result<(), DevError> {
        if measured.host_data == config_digest {
            return Ok(());
        }
        let detail = format!("it measured configuration {}, expected {config_digest}", measured.host_data);
        Err(DevError::Role { role: Role::Processor, detail })
    }

    async fn start_gateways(&mut self, gateways: &[Gateway; 3]) -> Result<(), DevError> {
        let roles = [0, 1, 2].map(Role::Gateway);
        for (role, gateway) in roles.into_iter().zip(gateways) {
            self.start(role, gateway.arguments());
        }
        match timeout(GATEWAYS_PATIENCE, self.watch.until_settled(&roles)).await {
            Ok(settled) => settled,
            Err(_) => {
                eprintln!("  not every gateway ({}) is ready; going on", GATEWAYS.join(", "));
                Ok(())
            }
        }
    }

    async fn start_host(&mut self) -> Result<(), DevError> {
        let configuration = self.layout.host_configuration();
        self.start(Role::Host, vec!["--configuration".into(), configuration.into()]);
        self.ready_soon(Role::Host).await.map(drop)
    }

    /// The enclave waits for gateways as long as it takes.
    async fn start_enclave(&mut self) -> Result<(), DevError> {
        let arguments = vec![
            "--configuration".into(),
            self.layout.configuration().into(),
            "--processor".into(),
            self.layout.socket("processor").into(),
        ];
        self.start(Role::Enclave, arguments);
        self.watch.until_ready(Role::Enclave).await.map(drop)
    }

    async fn start_connect(&mut self, ports: &Ports, gateways: &[Gateway; 3]) -> Result<(), DevError> {
        let mut arguments: Vec<OsString> = vec![
            "connect".into(),
            "--enclave".into(),
            ports.ingress.to_string().into(),
            "--reference".into(),
            self.layout.reference().into(),
            "--listen".into(),
            ports.connect.to_string().into(),
            "--state".into(),
            self.layout.connect().into(),
            "--json".into(),
        ];
        for gateway in gateways {
            let witness = format!("{}={}", gateway.name(), gateway.witness()?);
            arguments.extend(["--witness".into(), witness.into()]);
        }
        self.start(Role::Connect, arguments);
        self.ready_soon(Role::Connect).await.map(drop)
    }

    fn start(&mut self, role: Role, arguments: Vec<OsString>) {
        self.supervisor.start(Launch {
            role,
            own: self.programs.own().to_owned(),
            program: self.programs.of(role),
            arguments,
            log: self.layout.log(role),
        });
    }

    async fn ready_soon(&mut self, role: Role) -> Result<Value, DevError> {
        timeout(PATIENCE, self.watch.until_ready(role)).await.unwrap_or_else(|_| {
            let detail = format!("it has not said that it is ready within {} s", PATIENCE.as_secs());
            Err(DevError::Role { role, detail })
        })
    }

    fn running(
        &self,
        operator: &Operator,
        ports: &Ports,
        measured: Measured,
        config_digest: String,
    ) -> Running {
        Running {
            base_url: format!("http://{}", reachable(ports.connect)),
            enclave_url: format!("https://{}", ports.ingress),
            admin_api_key: operator.admin_api_key().to_owned(),
            auth_confirm: operator.auth_confirm().to_owned(),
            org_id: operator.org_id(),
            measurement: measured.measurement,
            config_digest,
            reference: self.layout.reference(),
            database: self.layout.database(),
            pids: Value::Null,
        }
    }

    /// Waits until the whole path answers that it can sign.
    async fn healthy(&mut self, base_url: &str) -> Result<(), DevError> {
        let client = reqwest::Client::new();
        let mut deadline = Instant::now() + HEALTH_PATIENCE;
        loop {
            let found = tokio::select! {
                found = health(&client, base_url) => found,
                event = self.watch.next() => {
                    event?;
                    continue;
                }
            };
            let Err(detail) = found else { return Ok(()) };
            if self.watch.enclave_waits() {
                deadline = Instant::now() + HEALTH_PATIENCE;
            }
            if Instant::now() > deadline {
                return Err(DevError::Role { role: Role::Connect, detail });
            }
            tokio::time::sleep(HEALTH_PAUSE).await;
        }
    }
}

async fn health(client: &reqwest::Client, base_url: &str) -> Result<(), String> {
    let asked = client.get(format!("{base_url}/v1/health")).timeout(PATIENCE).send().await;
    let answer = asked.map_err(|error| format!("the health of {base_url} cannot be asked: {error}"))?;
    if answer.status() == reqwest::StatusCode::OK {
        return Ok(());
    }
    Err(format!("its health answers {}", answer.status()))
}

/// An address that listens everywhere is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port())
        }
        _ => address,
    }
}
