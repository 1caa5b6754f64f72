//! What `ethers-core`, which shares no code with Shroud, reads in a raw transaction.

use ethers_core::types::transaction::eip2718::TypedTransaction;
use ethers_core::utils::hex as ethers_hex;
use ethers_core::utils::rlp::Rlp;

/// A decoded EIP-1559 transaction; amounts in wei, addresses in lower-case hex with `0x`.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The chain id.
    pub chain_id: u64,
    /// The nonce.
    pub nonce: u64,
    /// The recipient.
    pub to: String,
    /// The value.
    pub value: u128,
    /// The gas limit.
    pub gas_limit: u64,
    /// The fee cap per gas.
    pub max_fee_per_gas: u128,
    /// The priority fee cap per gas.
    pub max_priority_fee_per_gas: u128,
    /// Who signed it.
    pub signer: String,
    /// Its hash, hex with `0x`.
    pub hash: String,
}

/// Decodes a raw EIP-1559 transaction from hex with `0x`.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn decode(raw: &str) -> Decoded {
    let bytes = ethers_hex::decode(raw).unwrap();
    let (decoded, signature) = TypedTransaction::decode_signed(&Rlp::new(&bytes)).unwrap();
    let signer = signature.recover(decoded.sighash()).unwrap();
    let hash = decoded.hash(&signature);
    let TypedTransaction::Eip1559(transaction) = decoded else { panic!("another type: {decoded:?}") };
    let to = transaction.to.and_then(|to| to.as_address().copied()).unwrap();
    Decoded {
        chain_id: transaction.chain_id.unwrap().as_u64(),
        nonce: transaction.nonce.unwrap().as_u64(),
        to: format!("{to:#x}"),
        value: transaction.value.unwrap().as_u128(),
        gas_limit: transaction.gas.unwrap().as_u64(),
        max_fee_per_gas: transaction.max_fee_per_gas.unwrap().as_u128(),
        max_priority_fee_per_gas: transaction.max_priority_fee_per_gas.unwrap().as_u128(),
        signer: format!("{signer:#x}"),
        hash: format!("{hash:#x}"),
    }
}
