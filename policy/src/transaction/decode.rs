//! Raw signed bytes to transactions. Whatever is accepted encodes to the same bytes again.

use ruint::aliases::U256;

use super::{AccessListEntry, Authorization, Kind, SignedTransaction, Transaction};
use crate::{
    Address, Signature,
    rlp::{Item, RlpError},
    signature::SignatureError,
};

/// Why raw bytes are not a signed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No transaction of types 0 to 4 begins so.
    #[error("transaction type {0:#04x} is not known")]
    Type(u8),
    /// Nothing is there.
    #[error("no bytes")]
    Empty,
    /// Not the fields of the type.
    #[error("a transaction of this type has {expected} fields, found {found}")]
    Fields {
        /// How many the type has.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Not canonical RLP.
    #[error(transparent)]
    Rlp(#[from] RlpError),
    /// Not a signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Types 3 and 4 have a recipient.
    #[error("a transaction of type {0} cannot create a contract")]
    Recipient(u8),
}

type Decoded = Result<SignedTransaction, DecodeError>;

impl SignedTransaction {
    /// Reads raw signed bytes.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one canonical signed transaction.
    pub fn decode(raw: &[u8]) -> Result<Self, DecodeError> {
        let (&first, body) = raw.split_first().ok_or(DecodeError::Empty)?;
        match first {
            0xc0.. => legacy(&Item::parse(raw)?),
            1..=4 => typed(first, &Item::parse(body)?),
            other => Err(DecodeError::Type(other)),
        }
    }
}

fn fields<'a, 'b, const N: usize>(item: &'a Item<'b>) -> Result<&'a [Item<'b>; N], DecodeError> {
    let list = item.list()?;
    list.try_into().map_err(|_| DecodeError::Fields { expected: N, found: list.len() })
}

fn legacy(item: &Item<'_>) -> Decoded {
    let [nonce, gas_price, gas_limit, to, value, data, v, r, s] = fields(item)?;
    let (chain_id, odd) = parity(v.integer()?)?;
    let transaction = Transaction {
        chain_id,
        nonce: nonce.number()?,
        gas_limit: gas_limit.number()?,
        to: recipient(to)?,
        value: value.integer()?,
        data: data.bytes()?.to_vec(),
        kind: Kind::Legacy { gas_price: gas_price.integer()? },
    };
    Ok(transaction.with_signature(Signature::from_numbers(r.integer()?, s.integer()?, odd)?))
}

/// Chain id and parity of a legacy v: 27 and 28 name no chain, 2·chain + 35 and + 36 do (EIP-155).
fn parity(v: U256) -> Result<(Option<u64>, bool), SignatureError> {
    let v: u128 = v.try_into().map_err(|_| SignatureError::Parity)?;
    match v {
        27 | 28 => Ok((None, v == 28)),
        35.. => {
            let chain_id = u64::try_from((v - 35) / 2).map_err(|_| SignatureError::Parity)?;
            Ok((Some(chain_id), v.is_multiple_of(2)))
        }
        _ => Err(SignatureError::Parity),
    }
}

fn typed(type_id: u8, item: &Item<'_>) -> Decoded {
    match type_id {
        1 => access_list(item),
        2 => dynamic_fee(item),
        3 => blob(item),
        _ => set_code(item),
    }
}

/// The parts that types 1 to 4 share, still undecoded.
struct Common<'a, 'b> {
    chain_id: &'a Item<'b>,
    nonce: &'a Item<'b>,
    /// Gas limit, recipient, value, data.
    call: [&'a Item<'b>; 4],
    /// Parity, r, s.
    signature: [&'a Item<'b>; 3],
}

impl Common<'_, '_> {
    fn finish(&self, kind: Kind) -> Decoded {
        let [gas_limit, to, value, data] = self.call;
        let [v, r, s] = self.signature;
        let odd = match v.number()? {
            0 => false,
            1 => true,
            _ => return Err(SignatureError::Parity.into()),
        };
        let transaction = Transaction {
            chain_id: Some(self.chain_id.number()?),
            nonce: self.nonce.number()?,
            gas_limit: gas_limit.number()?,
            to: recipient(to)?,
            value: value.integer()?,
            data: data.bytes()?.to_vec(),
            kind,
        };
        let type_id = transaction.type_id();
        if type_id >= 3 && transaction.to.is_none() {
            return Err(DecodeError::Recipient(type_id));
        }
        Ok(transaction.with_signature(Signature::from_numbers(r.integer()?, s.integer()?, odd)?))
    }
}

fn access_list(item: &Item<'_>) -> Decoded {
    let [chain_id, nonce, price, gas, to, value, data, accesses, v, r, s] = fields(item)?;
    let common = Common { chain_id, nonce, call: [gas, to, value, data], signature: [v, r, s] };
    common.finish(Kind::AccessList { gas_price: price.integer()?, access_list: entries(accesses)? })
}

fn dynamic_fee(item: &Item<'_>) -> Decoded {
    let [chain_id, nonce, tip, fee, gas, to, value, data, accesses, v, r, s] = fields(item)?;
    let common = Common { chain_id, nonce, call: [gas, to, value, data], signature: [v, r, s] };
    common.finish(Kind::DynamicFee {
        max_fee_per_gas: fee.integer()?,
        max_priority_fee_per_gas: tip.integer()?,
        access_list: entries(accesses)?,
    })
}

fn blob(item: &Item<'_>) -> Decoded {
    let [chain_id, nonce, tip, fee, gas, to, value, data, accesses, blob_fee, hashes, v, r, s] =
        fields(item)?;
    let common = Common { chain_id, nonce, call: [gas, to, value, data], signature: [v, r, s] };
    common.finish(Kind::Blob {
        max_fee_per_gas: fee.integer()?,
        max_priority_fee_per_gas: tip.integer()?,
        max_fee_per_blob_gas: blob_fee.integer()?,
        access_list: entries(accesses)?,
        blob_versioned_hashes: hashes.list()?.iter().map(Item::array).collect::<Result<_, _>>()?,
    })
}

fn set_code(item: &Item<'_>) -> Decoded {
    let [chain_id, nonce, tip, fee, gas, to, value, data, accesses, signed, v, r, s] = fields(item)?;
    let common = Common { chain_id, nonce, call: [gas, to, value, data], signature: [v, r, s] };
    common.finish(Kind::SetCode {
        max_fee_per_gas: fee.integer()?,
        max_priority_fee_per_gas: tip.integer()?,
        access_list: entries(accesses)?,
        authorization_list: signed.list()?.iter().map(authorization).collect::<Result<_, _>>()?,
    })
}

fn recipient(item: &Item<'_>) -> Result<Option<Address>, RlpError> {
    match item.bytes()? {
        [] => Ok(None),
        _ => item.array().map(|bytes| Some(Address::new(bytes))),
    }
}

fn entries(item: &Item<'_>) -> Result<Vec<AccessListEntry>, DecodeError> {
    item.list()?.iter().map(entry).collect()
}

fn entry(item: &Item<'_>) -> Result<AccessListEntry, DecodeError> {
    let [address, keys] = fields(item)?;
    let storage_keys = keys.list()?.iter().map(Item::array).collect::<Result<_, _>>()?;
    Ok(AccessListEntry { address: Address::new(address.array()?), storage_keys })
}

fn authorization(item: &Item<'_>) -> Result<Authorization, DecodeError> {
    let [chain_id, address, nonce, y_parity, r, s] = fields(item)?;
    Ok(Authorization {
        chain_id: chain_id.integer()?,
        address: Address::new(address.array()?),
        nonce: nonce.number()?,
        y_parity: y_parity.number()?.try_into().map_err(|_| SignatureError::Parity)?,
        r: r.integer()?,
        s: s.integer()?,
    })
}
