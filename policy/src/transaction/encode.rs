//! Transactions to bytes: the preimage of the signing hash and the raw signed form (EIP-155, EIP-2718).

use ruint::aliases::U256;

use super::{AccessListEntry, Authorization, Kind, SignedTransaction, Transaction};
use crate::rlp::List;

impl Transaction {
    /// The bytes whose Keccak-256 is signed.
    #[must_use]
    pub fn unsigned_bytes(&self) -> Vec<u8> {
        let fields = self.fields();
        let fields = match (self.type_id(), self.chain_id) {
            (0, Some(chain_id)) => fields.number(chain_id).number(0).number(0),
            _ => fields,
        };
        self.envelope(fields)
    }

    fn envelope(&self, fields: List) -> Vec<u8> {
        match self.type_id() {
            0 => fields.into_bytes(),
            type_id => [&[type_id], fields.into_bytes().as_slice()].concat(),
        }
    }

    /// The fields before the signature, in the order of the type.
    fn fields(&self) -> List {
        let list = List::new();
        let typed = || List::new().number(self.chain_id.unwrap_or_default()).number(self.nonce);
        match &self.kind {
            Kind::Legacy { gas_price } => self.call(list.number(self.nonce).integer(*gas_price)),
            Kind::AccessList { gas_price, access_list } => {
                self.call(typed().integer(*gas_price)).list(accesses(access_list))
            }
            Kind::DynamicFee { max_fee_per_gas, max_priority_fee_per_gas, access_list } => {
                let head = typed().integer(*max_priority_fee_per_gas).integer(*max_fee_per_gas);
                self.call(head).list(accesses(access_list))
            }
            Kind::Blob {
                max_fee_per_gas,
                max_priority_fee_per_gas,
                max_fee_per_blob_gas,
                access_list,
                blob_versioned_hashes,
            } => {
                let head = typed().integer(*max_priority_fee_per_gas).integer(*max_fee_per_gas);
                let hashes = blob_versioned_hashes.iter().fold(List::new(), |list, hash| list.bytes(hash));
                self.call(head).list(accesses(access_list)).integer(*max_fee_per_blob_gas).list(hashes)
            }
            Kind::SetCode { max_fee_per_gas, max_priority_fee_per_gas, access_list, authorization_list } => {
                let head = typed().integer(*max_priority_fee_per_gas).integer(*max_fee_per_gas);
                let signed =
                    authorization_list.iter().fold(List::new(), |list, one| list.list(authorization(one)));
                self.call(head).list(accesses(access_list)).list(signed)
            }
        }
    }

    /// Appends gas limit, recipient, value and data, which follow each other in every type.
    fn call(&self, list: List) -> List {
        let list = list.number(self.gas_limit);
        let list = match &self.to {
            Some(to) => list.bytes(to.as_bytes()),
            None => list.bytes(&[]),
        };
        list.integer(self.value).bytes(&self.data)
    }
}

impl SignedTransaction {
    /// The raw bytes, as `eth_sendRawTransaction` takes them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let fields = self.transaction.fields().integer(self.v());
        let fields = fields.integer(self.signature.r()).integer(self.signature.s());
        self.transaction.envelope(fields)
    }

    /// The parity as this type writes it.
    fn v(&self) -> U256 {
        let parity = U256::from(self.signature.y_parity());
        match (self.transaction.type_id(), self.transaction.chain_id) {
            (0, None) => parity + U256::from(27),
            (0, Some(chain_id)) => U256::from(chain_id) * U256::from(2) + U256::from(35) + parity,
            _ => parity,
        }
    }
}

fn accesses(entries: &[AccessListEntry]) -> List {
    entries.iter().fold(List::new(), |list, entry| {
        let keys = entry.storage_keys.iter().fold(List::new(), |keys, key| keys.bytes(key));
        list.list(List::new().bytes(entry.address.as_bytes()).list(keys))
    })
}

fn authorization(one: &Authorization) -> List {
    let list = List::new().integer(one.chain_id).bytes(one.address.as_bytes()).number(one.nonce);
    list.number(u64::from(one.y_parity)).integer(one.r).integer(one.s)
}
