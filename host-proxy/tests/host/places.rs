//! Clients that say nothing do not hold the host's slots.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use shroud_host::limits::Limits;
use shroud_wire::link::Listener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::running::Running;

/// An enclave that ends a client which says nothing for a moment, and sends back what another says first.
async fn enclave(listener: Listener) {
    loop {
        let mut link = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut said = [0; 4];
            if let Ok(Ok(read)) = timeout(Duration::from_millis(100), link.read(&mut said)).await {
                link.write_all(&said[..read]).await.unwrap();
            }
        });
    }
}

async fn is_served(client: &mut TcpStream) -> bool {
    let mut answer = [0; 4];
    client.write_all(b"ping").await.is_ok()
        && client.read_exact(&mut answer).await.is_ok()
        && &answer == b"ping"
}

async fn from(address: [u8; 4], ingress: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    socket.connect(ingress).await.unwrap()
}

#[tokio::test]
async fn silent_connections_do_not_hold_the_ingress_slots() {
    let host = Running::start(Limits { ingress: 2, ..Limits::default() }).await;
    let serving = tokio::spawn(enclave(host.enclave()));
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(host.ingress).await.unwrap());
    }
    let mut client = TcpStream::connect(host.ingress).await.unwrap();
    let served = timeout(Duration::from_secs(15), is_served(&mut client)).await;
    assert!(served.expect("silent connections hold every slot"));
    serving.abort();
}

#[tokio::test]
async fn one_address_holds_no_more_than_its_share() {
    let limits = Limits { ingress_loopback_share: 2, ..Limits::default() };
    let host = Running::start(limits).await;
    let listener = host.enclave();
    let first = from([127, 0, 0, 2], host.ingress).await;
    let _second = from([127, 0, 0, 2], host.ingress).await;
    let _links = [listener.accept().await.unwrap(), listener.accept().await.unwrap()];
    let mut third = from([127, 0, 0, 2], host.ingress).await;
    let ended = timeout(Duration::from_secs(2), third.read(&mut [0])).await.expect("it is kept");
    assert!(matches!(&ended, Ok(0)) || ended.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
    let serving = tokio::spawn(enclave(listener));
    assert!(is_served(&mut from([127, 0, 0, 3], host.ingress).await).await);
    drop(first);
    let again = async {
        while !is_served(&mut from([127, 0, 0, 2], host.ingress).await).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), again).await.expect("a share that was given back is gone");
    serving.abort();
}
