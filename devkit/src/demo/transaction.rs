//! Reads a signed EIP-1559 transaction from its raw bytes and recovers who signed it.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sha3::{Digest as _, Keccak256};

use super::rlp::{self, Item, NotRlp};

/// The type byte of an EIP-1559 transaction.
const TYPE: u8 = 2;

/// What the raw bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The chain that it is valid on.
    pub chain_id: u128,
    /// The account's counter.
    pub nonce: u128,
    /// Wei per gas for the validator.
    pub max_priority_fee: u128,
    /// Wei per gas at most.
    pub max_fee: u128,
    /// Units of gas.
    pub gas: u128,
    /// Whom it pays, `0x` and 40 lower-case digits.
    pub to: String,
    /// Wei.
    pub value: u128,
    /// How many bytes of calldata it carries.
    pub data: usize,
    /// Who signed, recovered from the signature.
    pub signer: String,
    /// The hash of the raw bytes, `0x` and 64 digits.
    pub hash: String,
}

/// Why the bytes are no signed transaction.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Undecodable {
    /// Not `0x` and hex digits.
    #[error("the transaction is not hex")]
    Hex,
    /// Another type than EIP-1559, or none.
    #[error("the transaction is not of type 2 (EIP-1559)")]
    Type,
    /// Not RLP.
    #[error(transparent)]
    Rlp(#[from] NotRlp),
    /// Other fields than an EIP-1559 transaction has.
    #[error("the transaction does not have the twelve fields of EIP-1559")]
    Fields,
    /// No key can have signed it.
    #[error("nobody can have signed the transaction")]
    Signature,
}

/// Decodes `0x…` of `signed_tx`.
///
/// # Errors
/// Every [`Undecodable`].
pub fn decode(text: &str) -> Result<Decoded, Undecodable> {
    let raw = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok()).ok_or(Undecodable::Hex)?;
    let body = raw.strip_prefix(&[TYPE]).ok_or(Undecodable::Type)?;
    let (Item::List(payload), []) = rlp::take(body)? else { return Err(NotRlp.into()) };
    let items: [Item<'_>; 12] = rlp::items(payload)?.try_into().map_err(|_| Undecodable::Fields)?;
    let [chain, nonce, priority, fee, gas, to, value, data, Item::List(_), parity, r, s] = items else {
        return Err(Undecodable::Fields);
    };
    let unsigned = payload.get(..payload.len() - tail(payload)?).ok_or(Undecodable::Fields)?;
    let digest = Keccak256::digest([&[TYPE], rlp::list(unsigned).as_slice()].concat());
    Ok(Decoded {
        chain_id: number(chain)?,
        nonce: number(nonce)?,
        max_priority_fee: number(priority)?,
        max_fee: number(fee)?,
        gas: number(gas)?,
        to: format!("0x{}", hex::encode(bytes(to)?)),
        value: number(value)?,
        data: bytes(data)?.len(),
        signer: recover(&digest, number(parity)?, bytes(r)?, bytes(s)?)?,
        hash: format!("0x{}", hex::encode(Keccak256::digest(&raw))),
    })
}

/// How many bytes the last three items, the signature, take.
fn tail(payload: &[u8]) -> Result<usize, NotRlp> {
    let mut rest = payload;
    for _ in 0..9 {
        rest = rlp::take(rest)?.1;
    }
    Ok(rest.len())
}

fn bytes<'a>(item: Item<'a>) -> Result<&'a [u8], Undecodable> {
    if let Item::Bytes(bytes) = item { Ok(bytes) } else { Err(Undecodable::Fields) }
}

fn number(item: Item<'_>) -> Result<u128, Undecodable> {
    Ok(rlp::number(bytes(item)?)?)
}

fn recover(digest: &[u8], parity: u128, r: &[u8], s: &[u8]) -> Result<String, Undecodable> {
    let wrong = || Undecodable::Signature;
    let parity = u8::try_from(parity).ok().filter(|parity| *parity < 2).ok_or_else(wrong)?;
    let id = RecoveryId::from_byte(parity).ok_or_else(wrong)?;
    let signature = Signature::from_scalars(scalar(r)?, scalar(s)?).map_err(|_| wrong())?;
    let key = VerifyingKey::recover_from_prehash(digest, &signature, id).map_err(|_| wrong())?;
    let point = key.to_sec1_point(false);
    let (_, coordinates) = point.as_bytes().split_first().ok_or_else(wrong)?;
    let hash = Keccak256::digest(coordinates);
    let (_, address) = hash.split_last_chunk::<20>().ok_or_else(wrong)?;
    Ok(format!("0x{}", hex::encode(address)))
}

/// A scalar without its leading zeros, padded again.
fn scalar(bytes: &[u8]) -> Result<[u8; 32], Undecodable> {
    let mut out = [0; 32];
    let start = out.len().checked_sub(bytes.len()).ok_or(Undecodable::Signature)?;
    out.iter_mut().skip(start).zip(bytes).for_each(|(out, byte)| *out = *byte);
    Ok(out)
}

/// Wei as ether, without trailing zeros.
#[must_use]
pub fn ether(wei: u128) -> String {
    let (whole, rest) = (wei / 10_u128.pow(18), wei % 10_u128.pow(18));
    let decimals = format!("{rest:018}");
    let decimals = decimals.trim_end_matches('0');
    if decimals.is_empty() { whole.to_string() } else { format!("{whole}.{decimals}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with eth-account 0.14: key 0x46…46, chain 11155111, nonce 7, 0.25 ether to 0x…dEaD.
    const SIGNED: &str = "0x02f87583aa36a707843b9aca00847735940082520894000000000000000000000000000000000000dead880378\
        2dace9d9000080c080a0b07b4444c3af5a973ebbf24ee3d29ee53c3faaab3685caa4ca6eb8cb858c6d12a03bb9\
        f526f51283bd5b3f5420d06a82d1f02b658e57d620e8309ee127b0560b22";

    #[test]
    fn a_transaction_of_another_implementation_decodes_to_its_fields_and_signer() {
        let decoded = decode(SIGNED).unwrap();
        assert_eq!(
            decoded,
            Decoded {
                chain_id: 11_155_111,
                nonce: 7,
                max_priority_fee: 1_000_000_000,
                max_fee: 2_000_000_000,
                gas: 21_000,
                to: "0x000000000000000000000000000000000000dead".into(),
                value: 250_000_000_000_000_000,
                data: 0,
                signer: "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f".into(),
                hash: "0xcf856baf63fe554ce81a2cdd7a1f505329e4f0c5cd6ed6186d6604da1f3b65bc".into(),
            }
        );
    }

    #[test]
    fn a_changed_byte_gives_another_signer_or_none() {
        let mut raw = hex::decode(&SIGNED[2..]).unwrap();
        raw[30] ^= 1;
        let changed = decode(&format!("0x{}", hex::encode(raw)));
        assert_ne!(
            changed.map(|decoded| decoded.signer),
            Ok("0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f".into())
        );
    }

    #[test]
    fn what_is_no_transaction_is_refused() {
        assert_eq!(decode("02c0"), Err(Undecodable::Hex));
        assert_eq!(decode("0x01c0"), Err(Undecodable::Type));
        assert_eq!(decode("0x02c0"), Err(Undecodable::Fields));
        assert_eq!(decode("0x02c100"), Err(Undecodable::Fields));
        assert_eq!(decode("0x0281"), Err(Undecodable::Rlp(NotRlp)));
    }

    #[test]
    fn ether_has_no_trailing_zeros() {
        assert_eq!(
            [0, 1, 250_000_000_000_000_000, 3 * 10_u128.pow(18)].map(ether),
            ["0", "0.000000000000000001", "0.25", "3"]
        );
    }
}
