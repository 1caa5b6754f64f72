//! Release: wrap and unwrap for an admitted guest, answers sealed to the key that its report binds.
//!
//! ```text
//! Admitted ─ parse ─► origin bound ─► items opened ─► backend ─► sealed ─► logged durably ─► answer
//! ```
//!
//! Every item's context is prefixed with the origin before it becomes the backend's AAD, so no origin ever unwraps
//! another's keys. Plain keys live in buffers that are zeroized, for the length of the call.

use std::sync::Arc;

use prost::Message as _;
use shroud_journal::Origin;
use shroud_wire::canonical::Canonical;
use shroud_wire::gateway::{Item, Items, Sealed, Unwrap, Unwrapped, Wrap, Wrapped, wrap_input_info};
use shroud_wire::{hpke, limits};
use zeroize::{Zeroize as _, Zeroizing};

use crate::admission::Admitted;
use crate::gateway::Gateway;
use crate::http;
use crate::origins;
use crate::refusal::Refused;

/// The label of a backend's AAD.
pub(crate) const ITEM: &str = "shroud/v1/gateway-item";

/// Plain keys with their contexts; zeroized when dropped. No `Debug`.
struct PlainItems(Items);

/// Plain keys on their way out; zeroized when dropped. No `Debug`.
struct PlainKeys(Unwrapped);

impl Drop for PlainItems {
    fn drop(&mut self) {
        for item in &mut self.0.items {
            item.bytes.zeroize();
        }
    }
}

impl Drop for PlainKeys {
    fn drop(&mut self) {
        for key in &mut self.0.keys {
            key.zeroize();
        }
    }
}

/// What the backend binds a key to: the origin and the guest's own context.
#[must_use]
pub(crate) fn backend_context(origin: &Origin, context: &[u8]) -> Vec<u8> {
    Canonical::new(ITEM).field(origin.as_str()).field(context).into_bytes()
}

/// Wraps keys for an admitted guest.
///
/// # Errors
/// [`Refused::Plaintext`] if they came unsealed, [`Refused::WrapInput`], [`Refused::Malformed`],
/// [`Refused::OriginBinding`], [`Refused::Backend`], [`Refused::Storage`], or the clock's refusal.
pub(crate) async fn wrap(gateway: &Arc<Gateway>, admitted: Admitted) -> Result<Sealed, Refused> {
    let request = Wrap::decode(admitted.body()).map_err(|_| Refused::Malformed("wrap request"))?;
    let origin = origins::origin(&request.origin)?;
    bind(gateway, &admitted, &origin).await?;
    let sealed = request.sealed.filter(|sealed| !sealed.encapsulated.is_empty()).ok_or(Refused::Plaintext)?;
    let items = open_items(gateway, &admitted, &sealed)?;
    let contexts = shape(&items.0.items, limits::PLAIN_KEY)?;
    let mut wrapped = Vec::with_capacity(items.0.items.len());
    for item in &items.0.items {
        wrapped.push(gateway.backend.wrap(&backend_context(&origin, &item.context), &item.bytes).await?);
    }
    let event = admitted.event("wrap", &origin, &contexts);
    let answer = seal(&admitted, &Wrapped { wrapped }.encode_to_vec())?;
    gateway.record(event).await?;
    Ok(answer)
}

/// Unwraps keys for an admitted guest.
///
/// # Errors
/// As [`wrap`], save for the sealed input.
pub(crate) async fn unwrap(gateway: &Arc<Gateway>, admitted: Admitted) -> Result<Sealed, Refused> {
    let request = Unwrap::decode(admitted.body()).map_err(|_| Refused::Malformed("unwrap request"))?;
    let origin = origins::origin(&request.origin)?;
    bind(gateway, &admitted, &origin).await?;
    let items = request.items.ok_or(Refused::Malformed("items"))?.items;
    let contexts = shape(&items, limits::WRAPPED_KEY)?;
    let mut keys = PlainKeys(Unwrapped { keys: Vec::with_capacity(items.len()) });
    for item in &items {
        let context = backend_context(&origin, &item.context);
        let mut key = gateway.backend.unwrap(&context, &item.bytes).await?;
        keys.0.keys.push(std::mem::take(&mut *key));
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(keys.0.encoded_len()));
    keys.0.encode(&mut *plain).map_err(|_| Refused::TooLarge("answer"))?;
    let answer = seal(&admitted, &plain)?;
    gateway.record(admitted.event("unwrap", &origin, &contexts)).await?;
    Ok(answer)
}

/// Binds the guest's HOST_DATA to the origin that it names (see [`crate::origins`]).
///
/// # Errors
/// [`Refused::OriginBinding`] if it belongs to another; [`Refused::Storage`].
pub(crate) async fn bind(
    gateway: &Arc<Gateway>,
    admitted: &Admitted,
    origin: &Origin,
) -> Result<(), Refused> {
    let (host_data, origin) = (*admitted.report().host_data(), origin.clone());
    http::blocking(gateway, move |gateway| gateway.origins.bind(&host_data, &origin)).await
}

fn open_items(gateway: &Gateway, admitted: &Admitted, sealed: &Sealed) -> Result<PlainItems, Refused> {
    let info = wrap_input_info(admitted.challenge().nonce(), gateway.identity());
    let now = gateway.clock.now()?;
    let plain = gateway.presenter.open_sealed(&info, sealed, now).map_err(|_| Refused::WrapInput)?;
    let plain = Zeroizing::new(plain);
    Items::decode(plain.as_slice()).map(PlainItems).map_err(|_| Refused::Malformed("items"))
}

/// Checks how many items there are and how long each is; returns their contexts.
fn shape(items: &[Item], longest: usize) -> Result<Vec<&[u8]>, Refused> {
    if items.is_empty() {
        return Err(Refused::Malformed("items"));
    }
    if items.len() > limits::WRAP_ITEMS {
        return Err(Refused::TooLarge("the number of items"));
    }
    for item in items {
        if item.context.is_empty() || item.bytes.is_empty() {
            return Err(Refused::Malformed("item"));
        }
        if item.context.len() > limits::CONTEXT {
            return Err(Refused::TooLarge("an item's context"));
        }
        if item.bytes.len() > longest {
            return Err(Refused::TooLarge("an item's key"));
        }
    }
    Ok(items.iter().map(|item| item.context.as_slice()).collect())
}

fn seal(admitted: &Admitted, plain: &[u8]) -> Result<Sealed, Refused> {
    hpke::seal(admitted.tee_key(), admitted.transcript(), plain).map_err(|_| Refused::TeeKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize, context: usize, bytes: usize) -> Vec<Item> {
        vec![Item { context: vec![1; context], bytes: vec![2; bytes] }; count]
    }

    #[test]
    fn items_out_of_shape_are_refused() {
        let most = limits::PLAIN_KEY;
        assert_eq!(shape(&items(2, 3, 32), most).unwrap(), [[1; 3]; 2]);
        for (count, context, bytes) in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
            assert!(matches!(shape(&items(count, context, bytes), most), Err(Refused::Malformed(_))));
        }
        let over = [(limits::WRAP_ITEMS + 1, 1, 1), (1, limits::CONTEXT + 1, 1), (1, 1, most + 1)];
        for (count, context, bytes) in over {
            assert!(matches!(shape(&items(count, context, bytes), most), Err(Refused::TooLarge(_))));
        }
    }

    #[test]
    fn contexts_of_two_origins_never_meet() {
        let origin = |name: &str| origins::origin(name).unwrap();
        assert_ne!(backend_context(&origin("ab"), b"c"), backend_context(&origin("a"), b"bc"));
    }
}
