//! The stored form of sessions and documents: a compact binary of our own, because it is
//! written at every event. Numbers are big-endian, texts and lists have a length before
//! them. Changing it needs a new [`FORMAT`].

use glovebox_model::view::{
    Action, Cell, Chart, Choice, Column, Document, Field, FieldKind, Form, Node, Point, Series,
    Table, Tone,
};

/// First byte of every stored value.
pub(crate) const FORMAT: u8 = 1;
/// Most items that are reserved before the bytes for them are seen.
const RESERVE_MAX: usize = 1_024;

/// Something with a stored form. `take` gives `None` for bytes that are not one.
pub(crate) trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(input: &mut &[u8]) -> Option<Self>;
}

fn take_bytes<'a>(input: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(taken)
}

macro_rules! number {
    ($($ty:ty),*) => { $(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn take(input: &mut &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(take_bytes(input, size_of::<$ty>())?.try_into().ok()?))
            }
        }
    )* };
}
number!(u8, u32, u64, i64);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        match u8::take(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

fn put_len(len: usize, out: &mut Vec<u8>) {
    u32::try_from(len).unwrap_or(u32::MAX).put(out);
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        let len = usize::try_from(u32::take(input)?).ok()?;
        Self::from_utf8(take_bytes(input, len)?.to_vec()).ok()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        if bool::take(input)? {
            Some(Some(T::take(input)?))
        } else {
            Some(None)
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        self.iter().for_each(|item| item.put(out));
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        let len = usize::try_from(u32::take(input)?).ok()?;
        let mut items = Self::with_capacity(len.min(RESERVE_MAX));
        for _ in 0..len {
            items.push(T::take(input)?);
        }
        Some(items)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        Some((A::take(input)?, B::take(input)?))
    }
}

macro_rules! record {
    ($ty:ty { $($field:ident),* $(,)? }) => {
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }
            fn take(input: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Wire::take(input)?),* })
            }
        }
    };
}
pub(crate) use record;

macro_rules! variants {
    ($ty:ty { $($tag:literal = $name:ident $(($($field:ident),*))?),* $(,)? }) => {
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name $(($($field),*))? => {
                        out.push($tag);
                        $($($field.put(out);)*)?
                    })*
                }
            }
            fn take(input: &mut &[u8]) -> Option<Self> {
                match u8::take(input)? {
                    $($tag => {
                        $($(let $field = Wire::take(input)?;)*)?
                        Some(Self::$name $(($($field),*))?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

variants!(Tone { 0 = Neutral, 1 = Good, 2 = Caution, 3 = Danger });
record!(Action { id, label, tone });
variants!(Cell {
    0 = Text(text),
    1 = Quantity(value, unit),
    2 = Date(date),
    3 = Badge(text, tone),
    4 = Action(action),
    5 = Other(json),
});
record!(Column { label, numeric });
record!(Table {
    caption,
    columns,
    rows
});
record!(Point { at, value, flag });
record!(Series { label, points });
record!(Chart {
    title,
    unit,
    series,
    low,
    high
});
record!(Choice { value, label });
variants!(FieldKind {
    0 = Text(chars_max),
    1 = Multiline(chars_max),
    2 = Number(low, high),
    3 = Date,
    4 = Checkbox,
    5 = Select(choices),
    6 = Other(json),
});
record!(Field {
    name,
    label,
    hint,
    kind,
    value,
    required,
    problem
});
record!(Form { submit, fields });
variants!(Node {
    0 = Heading(text),
    1 = Paragraph(text),
    2 = Facts(facts),
    3 = Table(table),
    4 = Chart(chart),
    5 = Alert(tone, text),
    6 = Actions(actions),
    7 = Form(form),
    8 = Section(title, children),
    9 = Columns(children),
    10 = Details(summary, children),
    11 = Divider,
    12 = Other(json),
});
record!(Document {
    title,
    nodes,
    root,
    extras
});

#[cfg(test)]
mod tests;
