//! Links between enclave and host. One type hides which kind it is.
//!
//! | address | where |
//! |---|---|
//! | `unix:PATH` | development |
//! | `vsock:CID:PORT` | inside an SNP guest (CID 2 is the host), and on a host whose VMM offers vhost-vsock |
//! | `hybrid:PATH:PORT` | on the host of Firecracker, Cloud Hypervisor, vhost-device-vsock |
//!
//! Hybrid vsock: to reach a guest's port, dial the unix socket PATH, say `CONNECT PORT\n` and wait for `OK n\n`; a
//! guest that dials the host's PORT arrives at the unix socket `PATH_PORT`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio_vsock::{VMADDR_CID_ANY, VsockAddr, VsockListener, VsockStream};

use crate::limits;

/// Where a link begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A vsock port.
    Vsock {
        /// The context id; ignored when listening.
        cid: u32,
        /// The port.
        port: u32,
    },
    /// A port behind a hybrid vsock's unix socket.
    Hybrid {
        /// The unix socket of the VMM.
        path: PathBuf,
        /// The port.
        port: u32,
    },
}

/// The text is no address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no link; expected unix:PATH, vsock:CID:PORT or hybrid:PATH:PORT")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        if kind == "unix" && !rest.is_empty() {
            return Ok(Self::Unix(rest.into()));
        }
        let (left, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        match kind {
            "vsock" => Ok(Self::Vsock { cid: left.parse().map_err(|_| wrong())?, port }),
            "hybrid" if !left.is_empty() => Ok(Self::Hybrid { path: left.into(), port }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
            Self::Hybrid { path, port } => write!(f, "hybrid:{}:{port}", path.display()),
        }
    }
}

/// One connection over a link.
#[derive(Debug)]
pub struct Link(Kind);

#[derive(Debug)]
enum Kind {
    Unix(UnixStream),
    Vsock(VsockStream),
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// What the socket says; `ConnectionRefused` if a hybrid VMM does not answer `OK`.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Unix(path) => Ok(Self(Kind::Unix(UnixStream::connect(path).await?))),
            Address::Vsock { cid, port } => {
                Ok(Self(Kind::Vsock(VsockStream::connect(VsockAddr::new(*cid, *port)).await?)))
            }
            Address::Hybrid { path, port } => {
                let mut stream = UnixStream::connect(path).await?;
                stream.write_all(format!("CONNECT {port}\n").as_bytes()).await?;
                hybrid_acknowledged(&mut stream).await?;
                Ok(Self(Kind::Unix(stream)))
            }
        }
    }
}

/// Reads `OK n\n`, byte by byte, so that nothing of the stream behind it is swallowed.
async fn hybrid_acknowledged(stream: &mut UnixStream) -> io::Result<()> {
    let mut line = Vec::with_capacity(16);
    while line.last() != Some(&b'\n') && line.len() < 32 {
        line.push(stream.read_u8().await?);
    }
    if line.starts_with(b"OK ") && line.ends_with(b"\n") {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the hybrid vsock did not answer OK"))
}

/// Accepts links.
#[derive(Debug)]
pub struct Listener(ListenerKind);

#[derive(Debug)]
enum ListenerKind {
    Unix(UnixListener),
    Vsock(VsockListener),
}

impl Listener {
    /// Listens. A stale unix socket of an earlier process is replaced.
    ///
    /// # Errors
    /// What the socket says.
    pub fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Unix(path) => bind_unix(path),
            Address::Vsock { port, .. } => {
                Ok(Self(ListenerKind::Vsock(VsockListener::bind(VsockAddr::new(VMADDR_CID_ANY, *port))?)))
            }
            Address::Hybrid { path, port } => {
                let mut name = path.as_os_str().to_owned();
                name.push(format!("_{port}"));
                bind_unix(Path::new(&name))
            }
        }
    }

    /// Waits for the next link.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn accept(&self) -> io::Result<Link> {
        match &self.0 {
            ListenerKind::Unix(listener) => Ok(Link(Kind::Unix(listener.accept().await?.0))),
            ListenerKind::Vsock(listener) => Ok(Link(Kind::Vsock(listener.accept().await?.0))),
        }
    }
}

fn bind_unix(path: &Path) -> io::Result<Listener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    Ok(Listener(ListenerKind::Unix(UnixListener::bind(path)?)))
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Kind::Vsock(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Kind::Vsock(stream) => {
                let piece = buf.get(..limits::LINK_WRITE).unwrap_or(buf);
                Pin::new(stream).poll_write(cx, piece)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Vsock(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Vsock(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back() {
        for text in ["unix:/run/a.sock", "vsock:2:9001", "hybrid:/run/v.sock:9001"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in ["", "unix:", "vsock:2", "vsock:x:1", "hybrid::1", "tcp:1:2", "vsock:2:99999999999"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError(text.to_owned())));
        }
    }
}
