//! What decisions and searches need to know about one resource version, extracted once
//! when it is written and kept beside its bytes.
//!
//! [`Facts`] owns the stored form; [`FactsView`] reads it in place: a search over a
//! patient's results decodes only the parameters it asks for and allocates nothing.

mod build;
mod codec;
#[cfg(test)]
mod tests;
mod values;

use glovebox_model::Timestamp;

use crate::Resource;
use codec::Reader;

/// First byte of the stored form; another one is another format.
const FORMAT: u8 = 2;

/// One search value, borrowed from the stored form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueRef<'a> {
    /// A code, identifier or boolean; `system` is empty where there is none.
    Token {
        /// The code system or identifier system.
        system: &'a str,
        /// The code or identifier value; may be empty.
        code: &'a str,
    },
    /// A reference to a resource on this server.
    Reference {
        /// Type of the target.
        resource_type: &'a str,
        /// Id of the target.
        id: &'a str,
    },
    /// A reference elsewhere: an absolute URL, an URN or a canonical.
    Url(&'a str),
    /// A date, instant, period or timing.
    Date(crate::DateRange),
    /// Text.
    Text {
        /// Lower case, without accents, white space folded.
        normalised: &'a str,
        /// As it came.
        original: &'a str,
    },
    /// An amount.
    Quantity {
        /// The decimal as it came.
        value: &'a str,
        /// The unit's system; empty if none.
        system: &'a str,
        /// The unit's code; empty if none.
        code: &'a str,
        /// The unit for people; empty if none.
        unit: &'a str,
    },
    /// A number, as it came.
    Number(&'a str),
    /// A URI.
    Uri(&'a str),
    /// One group of a composite parameter.
    Group(Group<'a>),
}

/// What one element gives for each part of a composite parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a>(Reader<'a>);

impl<'a> Group<'a> {
    /// The values of each part, in the order of the definition.
    pub fn parts(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = ValueRef<'a>> + use<'a>> + use<'a> {
        let mut parts = self.0;
        std::iter::from_fn(move || {
            let mut part = parts.block()?;
            Some(std::iter::from_fn(move || codec::read_value(&mut part)))
        })
    }

    fn is_whole(self) -> bool {
        let mut parts = self.0;
        while let Some(mut part) = parts.block() {
            while let Some(value) = codec::read_value(&mut part) {
                // Groups do not hold groups: the check is one level deep.
                if matches!(value, ValueRef::Group(_)) {
                    return false;
                }
            }
            if !part.is_empty() {
                return false;
            }
        }
        parts.is_empty()
    }
}

/// Facts of one resource version, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    bytes: Vec<u8>,
}

impl Facts {
    /// Extracts from a resource whose `id` and `meta` are already those of the version.
    pub fn extract(resource: &Resource) -> Self {
        let version = resource.version_id().unwrap_or_default();
        Self::extract_as(
            resource,
            resource.id().unwrap_or_default(),
            version,
            resource.last_updated(),
        )
    }

    /// Extracts as if the resource had been spliced with this id and version.
    pub fn extract_as(
        resource: &Resource,
        id: &str,
        version_id: &str,
        last_updated: Option<Timestamp>,
    ) -> Self {
        Self {
            bytes: build::build(resource, id, version_id, last_updated),
        }
    }

    /// Whether bytes that do not decode are the stored form of another version of this
    /// program, rather than torn.
    pub fn is_other_format(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|format| *format != FORMAT)
    }

    /// The stored form: compact, versioned.
    pub fn encode(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The stored form, borrowed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the stored form, checking all of it. `None` if it is another format or torn.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        FactsView::parse(bytes)?.is_whole().then(|| Self {
            bytes: bytes.to_vec(),
        })
    }

    /// A view for matching.
    pub fn view(&self) -> FactsView<'_> {
        // Only `build` and a checked `decode` make Facts, so the view is always there.
        FactsView::parse(&self.bytes).unwrap_or(FactsView::EMPTY)
    }

    /// The resource type.
    pub fn resource_type(&self) -> &str {
        self.view().resource_type
    }

    /// The logical id; empty if the resource had none.
    pub fn id(&self) -> &str {
        self.view().id
    }

    /// Ids of the patients whose compartments the resource is in. A Patient's own comes
    /// first.
    pub fn patients(&self) -> impl Iterator<Item = &str> {
        self.view().patients()
    }
}

/// Facts read in place.
#[derive(Clone, Copy, Debug)]
pub struct FactsView<'a> {
    resource_type: &'a str,
    id: &'a str,
    version_id: &'a str,
    last_updated: Option<i64>,
    patients: Reader<'a>,
    labels: Reader<'a>,
    parameters: Reader<'a>,
}

impl<'a> FactsView<'a> {
    const EMPTY: Self = Self {
        resource_type: "",
        id: "",
        version_id: "",
        last_updated: None,
        patients: Reader::EMPTY,
        labels: Reader::EMPTY,
        parameters: Reader::EMPTY,
    };

    /// Reads the header; search values are read when they are asked for.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT {
            return None;
        }
        let resource_type = reader.str()?;
        let id = reader.str()?;
        let version_id = reader.str()?;
        let last_updated = match reader.u8()? {
            0 => None,
            1 => Some(reader.i64()?),
            _ => return None,
        };
        let patients = reader.block()?;
        let labels = reader.block()?;
        Some(Self {
            resource_type,
            id,
            version_id,
            last_updated,
            patients,
            labels,
            parameters: reader,
        })
    }

    /// The resource type.
    pub fn resource_type(&self) -> &'a str {
        self.resource_type
    }

    /// The logical id; empty if the resource had none.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// `meta.versionId`; empty if the resource had none.
    pub fn version_id(&self) -> &'a str {
        self.version_id
    }

    /// `meta.lastUpdated`.
    pub fn last_updated(&self) -> Option<Timestamp> {
        self.last_updated.map(Timestamp::from_micros)
    }

    /// Ids of the patients whose compartments the resource is in.
    pub fn patients(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = self.patients;
        std::iter::from_fn(move || reader.str())
    }

    /// Whether the resource is in this patient's compartment.
    pub fn is_in_compartment_of(&self, patient: &str) -> bool {
        self.patients().any(|id| id == patient)
    }

    /// `meta.security` as (system, code); the system is empty where there is none.
    pub fn security_labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut reader = self.labels;
        std::iter::from_fn(move || Some((reader.str()?, reader.str()?)))
    }

    /// The values of one search parameter, in the order of the resource. `_id`,
    /// `_lastUpdated` and `_security` have accessors of their own.
    pub fn values(&self, parameter: &str) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        let mut reader = self.find(parameter).unwrap_or(Reader::EMPTY);
        std::iter::from_fn(move || codec::read_value(&mut reader))
    }

    /// Whether the elements that a parameter looks at are there, though they may give no
    /// value: a reference by identifier only, for one.
    pub fn has(&self, parameter: &str) -> bool {
        match parameter {
            "_id" => !self.id.is_empty(),
            "_lastUpdated" => self.last_updated.is_some(),
            "_security" => !self.labels.is_empty(),
            _ => self.find(parameter).is_some(),
        }
    }

    /// All parameters whose elements are there.
    pub fn parameters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = self.parameters;
        std::iter::from_fn(move || {
            let code = reader.str()?;
            reader.block()?;
            Some(code)
        })
    }

    fn find(&self, parameter: &str) -> Option<Reader<'a>> {
        let mut reader = self.parameters;
        loop {
            let code = reader.bytes()?;
            let block = reader.block()?;
            if code == parameter.as_bytes() {
                return Some(block);
            }
        }
    }

    fn is_whole(&self) -> bool {
        let mut patients = self.patients;
        while patients.str().is_some() {}
        let mut labels = self.labels;
        while labels.str().is_some() && labels.str().is_some() {}
        let mut parameters = self.parameters;
        while !parameters.is_empty() {
            let Some(mut block) = parameters.str().and_then(|_| parameters.block()) else {
                return false;
            };
            while let Some(value) = codec::read_value(&mut block) {
                if matches!(value, ValueRef::Group(group) if !group.is_whole()) {
                    return false;
                }
            }
            if !block.is_empty() {
                return false;
            }
        }
        patients.is_empty() && labels.is_empty()
    }
}
