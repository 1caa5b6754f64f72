//! Request bodies to drafts: `POST …/transactions`, `…/transactions/sign`, `…/transactions/simulate`, and `…/sign`.

use ruint::aliases::U256;

use super::{
    Draft, RequestError,
    draft::{Extra, Pricing, Subject, Unfilled},
    fields::{Body, wrong},
};
use crate::{Chains, Json, TypedData};

/// `transfer(address,uint256)`.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// Decimals of a token whose request names none, as the contract says.
const TOKEN_DECIMALS: u64 = 6;

/// Members that would change what is signed, and why none of them is supported.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("treasury_id", "treasuries are not part of this server"),
    ("raw_transaction", "state the fields, so that they can be judged"),
    ("unsigned_tx", "state the fields, so that they can be judged"),
    ("user_operation", "smart accounts are not part of this server"),
    ("paymaster", "smart accounts are not part of this server"),
    ("instructions", "only EVM chains are signed for"),
    ("memo", "only EVM chains are signed for"),
    ("destination_tag", "only EVM chains are signed for"),
    ("utxos", "only EVM chains are signed for"),
    ("inputs", "only EVM chains are signed for"),
    ("outputs", "only EVM chains are signed for"),
    ("recent_blockhash", "only EVM chains are signed for"),
    ("psbt", "only EVM chains are signed for"),
    ("calls", "state one call in to, value and data"),
    ("blobs", "state blob_versioned_hashes; blobs travel apart from the transaction"),
];

impl Draft {
    /// The body of a transaction request.
    ///
    /// # Errors
    /// [`RequestError`] names the member and what is wrong with it.
    pub fn transaction(body: &[u8], chains: &Chains) -> Result<Self, RequestError> {
        let json = object(body)?;
        draft(&Body(&json), chains, transaction)
    }

    /// The body of a unified sign request: `intent_type` says what is to be signed.
    ///
    /// # Errors
    /// [`RequestError`] names the member and what is wrong with it.
    pub fn unified(body: &[u8], chains: &Chains) -> Result<Self, RequestError> {
        let json = object(body)?;
        let body = Body(&json);
        match body.required("intent_type")? {
            "transaction" => draft(&body, chains, transaction),
            "personal_sign" => draft(&body, chains, message),
            "typed_data" => draft(&body, chains, typed_data),
            "eip712_digest" | "digest" => draft(&body, chains, digest),
            other => Err(RequestError::Wrong {
                field: "intent_type".to_owned(),
                expected: "personal_sign, typed_data, eip712_digest or transaction",
                found: format!("{:?}", other.chars().take(80).collect::<String>()),
            }),
        }
    }
}

fn object(body: &[u8]) -> Result<Json, RequestError> {
    let json = Json::parse(body)?;
    match json {
        Json::Object(_) => Ok(json),
        other => Err(RequestError::Body(other.kind())),
    }
}

fn draft(
    body: &Body<'_>,
    chains: &Chains,
    subject: fn(&Body<'_>) -> Result<Subject, RequestError>,
) -> Result<Draft, RequestError> {
    supported(body)?;
    let name = body.required("chain")?;
    let chain =
        chains.resolve(name).ok_or_else(|| RequestError::UnknownChain(name.chars().take(80).collect()))?;
    same_chain(body, chain.chain_id)?;
    Ok(Draft {
        chain: chain.clone(),
        signing_key_path: body.text("signing_key_path")?.map(str::to_owned),
        approval_id: body.text("approval_id")?.map(str::to_owned),
        simulate_first: body.boolean("simulate_first")?,
        subject: subject(body)?,
    })
}

fn supported(body: &Body<'_>) -> Result<(), RequestError> {
    if body.text("mode")?.is_some_and(|mode| mode != "eoa") {
        return Err(RequestError::Unsupported { field: "mode", why: "only eoa is part of this server" });
    }
    if body.boolean("gasless")? {
        return Err(RequestError::Unsupported { field: "gasless", why: "there is no paymaster" });
    }
    match UNSUPPORTED.iter().find(|(name, _)| body.has(name)) {
        Some(&(field, why)) => Err(RequestError::Unsupported { field, why }),
        None => Ok(()),
    }
}

/// A `chain_id` beside the chain must be that chain's.
fn same_chain(body: &Body<'_>, chain_id: u64) -> Result<(), RequestError> {
    match body.unsigned("chain_id")? {
        Some(other) if other != chain_id => Err(RequestError::Conflict("chain_id is not the id of chain")),
        _ => Ok(()),
    }
}

fn transaction(body: &Body<'_>) -> Result<Subject, RequestError> {
    let call = call(body)?;
    let access_list = body.access_list()?;
    let (fees, extra) = pricing(body, !access_list.is_empty())?;
    if matches!(fees, Pricing::Fixed { access_list: false, .. }) && !access_list.is_empty() {
        return Err(RequestError::Conflict("access_list does not belong to tx_type 0"));
    }
    Ok(Subject::Transaction(Box::new(Unfilled {
        nonce: body.unsigned("nonce")?,
        gas_limit: body.unsigned("gas_limit")?,
        fees,
        access_list,
        extra,
        ..call
    })))
}

/// Recipient, value and data; with `token_mint`, the token's `transfer(to, value)`.
fn call(body: &Body<'_>) -> Result<Unfilled, RequestError> {
    let to = body.address("to")?.ok_or(RequestError::Missing("to"))?;
    let data = body.bytes("data")?.unwrap_or_default();
    let plain = |to, value, data| Unfilled {
        to,
        value,
        data,
        nonce: None,
        gas_limit: None,
        fees: Pricing::Open,
        access_list: Vec::new(),
        extra: Extra::Plain,
    };
    let Some(token) = body.address("token_mint")? else { return Ok(plain(to, body.ether("value")?, data)) };
    if !data.is_empty() {
        return Err(RequestError::Conflict("data and token_mint exclude each other"));
    }
    let decimals = body.unsigned("token_decimals")?.unwrap_or(TOKEN_DECIMALS);
    let decimals = u8::try_from(decimals).ok().filter(|digits| *digits <= 77);
    let decimals = decimals.ok_or(RequestError::Conflict("token_decimals is 0 to 77"))?;
    let amount = body.units("value", decimals)?.to_be_bytes::<32>();
    let data = [&TRANSFER[..], &[0; 12], to.as_bytes(), &amount].concat();
    Ok(plain(token, U256::ZERO, data))
}

/// The type and its fees. `tx_type` decides; where it is absent, the members that only one type has do.
fn pricing(body: &Body<'_>, has_access_list: bool) -> Result<(Pricing, Extra), RequestError> {
    let hashes = body.hashes()?;
    let authorizations = body.authorizations()?;
    let (price, fee) = (body.wei("gas_price")?, body.wei("max_fee_per_gas")?);
    let tip = body.wei("max_priority_fee_per_gas")?;
    let blob_fee = body.wei("max_fee_per_blob_gas")?;
    if price.is_some() && (fee.is_some() || tip.is_some()) {
        return Err(RequestError::Conflict("gas_price and max_fee_per_gas exclude each other"));
    }
    let type_id = match body.unsigned("tx_type")? {
        Some(stated) => stated,
        None if !authorizations.is_empty() => 4,
        None if !hashes.is_empty() => 3,
        None if price.is_some() => u64::from(has_access_list),
        None => 2,
    };
    if !hashes.is_empty() && type_id != 3 {
        return Err(RequestError::Conflict("blob_versioned_hashes belongs to tx_type 3"));
    }
    if !authorizations.is_empty() && type_id != 4 {
        return Err(RequestError::Conflict("authorization_list belongs to tx_type 4"));
    }
    let extra = match type_id {
        3 => {
            let max_fee_per_blob_gas = blob_fee.ok_or(RequestError::Missing("max_fee_per_blob_gas"))?;
            Extra::Blobs { max_fee_per_blob_gas, hashes }
        }
        4 if authorizations.is_empty() => return Err(RequestError::Missing("authorization_list")),
        4 => Extra::Authorizations(authorizations),
        _ => Extra::Plain,
    };
    Ok((fees(type_id, price, fee, tip)?, extra))
}

fn fees(
    type_id: u64,
    price: Option<U256>,
    fee: Option<U256>,
    tip: Option<U256>,
) -> Result<Pricing, RequestError> {
    match (type_id, price, fee, tip) {
        (0 | 1, Some(gas_price), None, None) => Ok(Pricing::Fixed { gas_price, access_list: type_id == 1 }),
        (0 | 1, None, None, None) => Err(RequestError::Missing("gas_price")),
        (0 | 1, ..) => Err(RequestError::Conflict("tx_type 0 and 1 pay gas_price, not max_fee_per_gas")),
        (2..=4, None, Some(max_fee_per_gas), max_priority_fee_per_gas) => {
            Ok(Pricing::Dynamic { max_fee_per_gas, max_priority_fee_per_gas })
        }
        (2..=4, None, None, None) => Ok(Pricing::Open),
        (2..=4, None, None, Some(_)) => Err(RequestError::Missing("max_fee_per_gas")),
        (2..=4, ..) => Err(RequestError::Conflict("tx_type 2 to 4 pay max_fee_per_gas, not gas_price")),
        _ => Err(RequestError::Conflict("tx_type is 0, 1, 2, 3 or 4")),
    }
}

/// A text that is `0x` and an even number of hex digits is those bytes; any other text is its UTF-8.
fn message(body: &Body<'_>) -> Result<Subject, RequestError> {
    let text = body.required("message")?;
    let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
    Ok(Subject::Message(bytes.unwrap_or_else(|| text.as_bytes().to_vec())))
}

fn typed_data(body: &Body<'_>) -> Result<Subject, RequestError> {
    let json = body.0.member("typed_data").ok_or(RequestError::Missing("typed_data"))?;
    Ok(Subject::TypedData(Box::new(TypedData::parse(json)?)))
}

fn digest(body: &Body<'_>) -> Result<Subject, RequestError> {
    let text = body.required("hash")?;
    let bytes = body.bytes("hash")?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.ok_or_else(|| wrong("hash", "0x and 64 hex digits", &Json::Text(text.to_owned())))?;
    Ok(Subject::Digest(bytes))
}
