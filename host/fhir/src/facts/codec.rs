//! The stored form of facts: length-prefixed pieces, read without copying.
//!
//! `format, type, id, version, updated?, block(patients), block(labels),
//! (parameter, block(values))*`. Lengths are LEB128; integers are little-endian. A block
//! without values says that the element is there but gives none. The value of a composite
//! is a group: a block of blocks, one for each part.

use super::{Group, ValueRef};
use crate::DateRange;

/// Reads pieces off the front; `None` at the end and on anything malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const EMPTY: Self = Self(&[]);

    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(i64::from_le_bytes(*first))
    }

    fn length(&mut self) -> Option<usize> {
        let first = self.u8()?;
        if first < 0x80 {
            return Some(usize::from(first));
        }
        let mut value = u32::from(first & 0x7f);
        for shift in [7, 14, 21] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(value).ok();
            }
        }
        None
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (piece, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(piece)
    }

    pub(super) fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(super) fn block(&mut self) -> Option<Self> {
        self.bytes().map(Self)
    }
}

/// The mark of a group.
const GROUP: u8 = 10;

/// Writes what [`Reader`] reads.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, piece: &[u8]) {
        // Four groups of seven bits hold 256 MiB; a resource is far smaller, and a piece
        // beyond that would be unreadable as a whole rather than cut.
        let mut length = piece.len();
        while length >= 0x80 {
            self.0.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
        self.0.extend_from_slice(piece);
    }

    pub(super) fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

pub(super) fn write_value(writer: &mut Writer, value: ValueRef<'_>) {
    match value {
        ValueRef::Token { system, code } => {
            writer.u8(1);
            writer.str(system);
            writer.str(code);
        }
        ValueRef::Reference { resource_type, id } => {
            writer.u8(2);
            writer.str(resource_type);
            writer.str(id);
        }
        ValueRef::Url(url) => {
            writer.u8(3);
            writer.str(url);
        }
        ValueRef::Date(range) => {
            writer.u8(4);
            writer.i64(range.start);
            writer.i64(range.end);
        }
        ValueRef::Text {
            normalised,
            original,
        } => {
            if normalised == original {
                writer.u8(5);
                writer.str(original);
            } else {
                writer.u8(6);
                writer.str(normalised);
                writer.str(original);
            }
        }
        ValueRef::Quantity {
            value,
            system,
            code,
            unit,
        } => {
            writer.u8(7);
            for text in [value, system, code, unit] {
                writer.str(text);
            }
        }
        ValueRef::Number(number) => {
            writer.u8(8);
            writer.str(number);
        }
        ValueRef::Uri(uri) => {
            writer.u8(9);
            writer.str(uri);
        }
        ValueRef::Group(group) => {
            writer.u8(GROUP);
            writer.bytes(group.0.0);
        }
    }
}

/// Writes a group from the blocks of its parts.
pub(super) fn write_group(writer: &mut Writer, parts: &Writer) {
    writer.u8(GROUP);
    writer.bytes(&parts.0);
}

pub(super) fn read_value<'a>(reader: &mut Reader<'a>) -> Option<ValueRef<'a>> {
    // A malformed value must leave the reader non-empty, so that a full check sees it.
    let mut ahead = *reader;
    let value = match ahead.u8()? {
        1 => ValueRef::Token {
            system: ahead.str()?,
            code: ahead.str()?,
        },
        2 => ValueRef::Reference {
            resource_type: ahead.str()?,
            id: ahead.str()?,
        },
        3 => ValueRef::Url(ahead.str()?),
        4 => ValueRef::Date(DateRange {
            start: ahead.i64()?,
            end: ahead.i64()?,
        }),
        5 => {
            let text = ahead.str()?;
            ValueRef::Text {
                normalised: text,
                original: text,
            }
        }
        6 => ValueRef::Text {
            normalised: ahead.str()?,
            original: ahead.str()?,
        },
        7 => ValueRef::Quantity {
            value: ahead.str()?,
            system: ahead.str()?,
            code: ahead.str()?,
            unit: ahead.str()?,
        },
        8 => ValueRef::Number(ahead.str()?),
        9 => ValueRef::Uri(ahead.str()?),
        GROUP => ValueRef::Group(Group(ahead.block()?)),
        _ => return None,
    };
    *reader = ahead;
    Some(value)
}
