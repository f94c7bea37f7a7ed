//! Finds copies of secrets in the memory of this process.
//!
//! The scan itself must not hold a secret. Secrets are masked byte by byte, and exist in plain
//! only in a [`Zeroizing`] buffer for the duration of a call.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::{env, fmt, slice};

use zeroize::{Zeroize, Zeroizing};

const MASK: u8 = 0xa5;

/// A secret, masked.
#[derive(Clone)]
pub(crate) struct Masked(Vec<u8>);

impl Masked {
    /// Returns `length` letters and digits that depend on `seed` alone.
    pub(crate) fn new(seed: u64, length: usize) -> Self {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ALPHABET[(state >> 33) as usize % ALPHABET.len()] ^ MASK
        };
        Self((0..length).map(|_| next()).collect())
    }

    /// Masks text that is not secret.
    pub(crate) fn public(text: &[u8]) -> Self {
        Self(text.iter().map(|byte| byte ^ MASK).collect())
    }

    pub(crate) fn from_hex(text: &str) -> Self {
        let pairs = text.as_bytes().chunks(2);
        Self(
            pairs
                .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect(),
        )
    }

    pub(crate) fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Appends `other`.
    pub(crate) fn then(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        Self(self.0[range].to_vec())
    }

    pub(crate) fn reversed(&self) -> Self {
        Self(self.0.iter().rev().copied().collect())
    }

    /// Returns the base64 text of this, without padding.
    pub(crate) fn base64(&self) -> Self {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut masked = Vec::with_capacity(self.0.len() * 2);
        for group in self.0.chunks(3) {
            let byte = |at: usize| u32::from(group.get(at).map_or(0, |byte| byte ^ MASK));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for at in 0..=group.len() {
                let digit = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
                masked.push(digit ^ MASK);
            }
        }
        Self(masked)
    }

    /// Returns the secret in plain, in a buffer that is wiped on drop.
    pub(crate) fn reveal(&self) -> Zeroizing<String> {
        let mut plain = Vec::with_capacity(self.0.len());
        plain.extend(self.0.iter().map(|byte| byte ^ MASK));
        Zeroizing::new(String::from_utf8(plain).unwrap())
    }

    fn matches(&self, range: Range<usize>, bytes: &[u8]) -> bool {
        let mut pairs = self.0[range].iter().zip(bytes);
        pairs.all(|(masked, byte)| masked ^ MASK == *byte)
    }
}

/// A secret, and the forms to search for.
pub(crate) struct Needle {
    pub(crate) secret: String,
    pub(crate) forms: Vec<(&'static str, Masked)>,
}

/// The number of bytes of a form that count as a copy. Allocators overwrite parts of freed
/// memory, so a copy may not be whole.
const WINDOW: usize = 12;
const STEP: usize = 4;

/// Searches memory for windows of needles.
pub(crate) struct Scanner {
    needles: Vec<Needle>,
    /// Needle, form and offset of each window, by the window's first two bytes.
    windows: BTreeMap<u16, Vec<(usize, usize, usize)>>,
    /// Whether a window begins with these two bytes.
    begins: Vec<bool>,
}

/// For each secret, the form and the place of each copy.
pub(crate) type Copies = BTreeMap<String, Vec<(&'static str, String)>>;

impl Scanner {
    pub(crate) fn new(needles: Vec<Needle>) -> Self {
        let mut windows: BTreeMap<u16, Vec<_>> = BTreeMap::new();
        let mut begins = vec![false; 1 << 16];
        for (index, needle) in needles.iter().enumerate() {
            for (form, (_, masked)) in needle.forms.iter().enumerate() {
                let bytes = &masked.0;
                for start in (0..=bytes.len().checked_sub(WINDOW).unwrap()).step_by(STEP) {
                    let begin = u16::from_ne_bytes([bytes[start] ^ MASK, bytes[start + 1] ^ MASK]);
                    begins[usize::from(begin)] = true;
                    windows.entry(begin).or_default().push((index, form, start));
                }
            }
        }
        Self {
            needles,
            windows,
            begins,
        }
    }

    /// Calls `found` with needle, form and distance of every window in `bytes`.
    fn find(&self, bytes: &[u8], mut found: impl FnMut(usize, usize, isize)) {
        for at in 0..bytes.len().saturating_sub(WINDOW - 1) {
            let begin = u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
            if !self.begins[usize::from(begin)] {
                continue;
            }
            for &(needle, form, start) in &self.windows[&begin] {
                let masked = &self.needles[needle].forms[form].1;
                if masked.matches(start..start + WINDOW, &bytes[at..at + WINDOW]) {
                    found(needle, form, at as isize - start as isize);
                }
            }
        }
    }

    /// Returns the copies in all writable memory of this process.
    pub(crate) fn scan(&self) -> Copies {
        const CHUNK: usize = 1 << 20;
        let memory = File::open("/proc/self/mem").unwrap();
        let mut chunk = Zeroizing::new(vec![0; CHUNK + WINDOW]);
        let own = chunk.as_ptr() as usize..chunk.as_ptr() as usize + chunk.len();
        // How many windows of a form are at each address.
        let mut found: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
        let maps = mappings();
        for map in &maps {
            let mut start = map.range.start;
            while start < map.range.end {
                let mut end = (start + CHUNK + WINDOW).min(map.range.end);
                if own.contains(&start) {
                    start = own.end;
                    continue;
                }
                if start < own.start && own.start < end {
                    end = own.start;
                }
                let bytes = &mut chunk[..end - start];
                // Some mappings of the kernel cannot be read.
                if memory.read_exact_at(bytes, start as u64).is_ok() {
                    self.find(bytes, |needle, form, at| {
                        let address = start.wrapping_add_signed(at);
                        *found.entry((needle, address, form)).or_default() += 1;
                    });
                }
                bytes.zeroize();
                // Windows that cross the end are found at the beginning of the next chunk.
                let next = start + CHUNK;
                start = if end == own.start { end } else { next.min(end) };
                if end == map.range.end && next >= end {
                    break;
                }
            }
        }
        self.copies(found, &maps)
    }

    /// Joins forms that overlap into copies, each with the form that matches best.
    fn copies(&self, found: BTreeMap<(usize, usize, usize), usize>, maps: &[Mapping]) -> Copies {
        let mut copies: Copies = BTreeMap::new();
        let mut found = found.into_iter().peekable();
        while let Some(((needle, address, form), count)) = found.next() {
            let length = |form: usize| self.needles[needle].forms[form].1.0.len();
            let mut best = (count, form);
            let mut end = address + length(form);
            while let Some(((_, _, form), count)) =
                found.next_if(|((other, start, _), _)| *other == needle && *start < end)
            {
                best = best.max((count, form));
                end = end.max(address + length(form));
            }
            let map = maps.iter().find(|map| map.range.contains(&address));
            let place = format!("{address:#x} {}", map.map_or("", |map| &map.name));
            let needle = &self.needles[needle];
            let copy = (needle.forms[best.1].0, place);
            copies.entry(needle.secret.clone()).or_default().push(copy);
        }
        copies
    }
}

struct Mapping {
    range: Range<usize>,
    name: String,
}

/// Returns the writable mappings of this process.
fn mappings() -> Vec<Mapping> {
    let text = fs::read_to_string("/proc/self/maps").unwrap();
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (range, access) = (words.next()?, words.next()?);
        let (start, end) = range.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).unwrap();
        access.starts_with("rw").then(|| Mapping {
            range: address(start)..address(end),
            name: words.nth(3).unwrap_or("anonymous").to_owned(),
        })
    });
    lines.collect()
}

/// An allocator that never reuses freed memory, so that a copy that was not wiped is always
/// found. With another allocator it would be found only sometimes.
pub(crate) struct Quarantine;

/// With this environment variable set, each block that is freed with a secret in it is printed
/// with a stack trace.
const TRACE: &str = "SCO_TEST_TRACE_SECRETS";

static TRACED: OnceLock<Scanner> = OnceLock::new();

thread_local! {
    static IS_TRACING: Cell<bool> = const { Cell::new(false) };
}

/// Starts to print freed blocks that hold one of `needles`, if [`TRACE`] is set.
pub(crate) fn trace(needles: impl FnOnce() -> Vec<Needle>) {
    if env::var_os(TRACE).is_some() {
        let _ = TRACED.set(Scanner::new(needles()));
    }
}

fn show_freed(bytes: &[u8]) {
    let Some(scanner) = TRACED.get() else { return };
    let is_first = IS_TRACING.try_with(|tracing| !tracing.replace(true));
    if is_first != Ok(true) {
        return;
    }
    let mut found = BTreeMap::new();
    scanner.find(bytes, |needle, form, at| {
        found.insert((needle, form), at);
    });
    for ((needle, form), at) in found {
        let needle = &scanner.needles[needle];
        eprintln!(
            "freed: {} ({}) at {at} of {} bytes\n{}",
            needle.secret,
            needle.forms[form].0,
            bytes.len(),
            Backtrace::force_capture()
        );
    }
    IS_TRACING.with(|tracing| tracing.set(false));
}

// SAFETY: forwards to the system's allocator and never frees. The default `realloc` copies.
unsafe impl GlobalAlloc for Quarantine {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that unwritten memory matches nothing.
        // SAFETY: the caller fulfills the requirements of `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if TRACED.get().is_some() {
            // SAFETY: the caller owns the block, and `alloc` has initialized all of it.
            show_freed(unsafe { slice::from_raw_parts(block, layout.size()) });
        }
    }
}

/// Displays copies in the message of a failed assertion.
pub(crate) struct Shown<'a>(pub(crate) &'a Copies);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (secret, copies) in self.0 {
            write!(f, "\n{secret}: {}", copies.len())?;
            for (form, place) in copies {
                write!(f, "\n    {form} at {place}")?;
            }
        }
        Ok(())
    }
}
