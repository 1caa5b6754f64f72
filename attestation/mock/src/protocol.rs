//! The messages on the processor's socket: frames of `shroud_wire::frame`, one answer to each request, in order.

use prost::Message;

/// A guest asks for a report.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Request {
    /// REPORT_DATA, 64 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub report_data: Vec<u8>,
}

/// The processor answers: a report, or why there is none.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Answer {
    /// The report, 1184 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub report: Vec<u8>,
    /// The certificate table.
    #[prost(bytes = "vec", tag = "2")]
    pub certificates: Vec<u8>,
    /// Set where the request was refused; the other fields are then empty.
    #[prost(string, optional, tag = "3")]
    pub refused: Option<String>,
}
