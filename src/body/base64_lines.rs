//! The lines of a base64 text, which decide whether a space in it may be ignored.

/// What is known of the lines of a text so far. Positions are from the start of the current
/// chunk; they are negative for an earlier one.
///
/// A `+` that became a space at the beginning or end of a line makes that line shorter than
/// the others, or its length not a multiple of four. A space in such a place is ignored only
/// if neither is the case.
#[derive(Clone, Copy, Default)]
pub(super) struct Lines {
    /// Characters of the current line so far.
    in_line: u64,
    /// Characters of the first line.
    length: Option<u64>,
    /// A line has another length than the first one, or one that is not a multiple of four.
    /// The last line does not count.
    is_uneven: bool,
    /// Position of the first space that stands at the beginning or end of a line.
    space_at_edge: Option<isize>,
    /// A line has ended since the last character.
    has_break: bool,
    /// Position of the first space since the last character.
    space: Option<isize>,
}

impl Lines {
    /// Records that a space stands before the text, in its first line.
    pub(super) fn begin_after_space(&mut self) {
        self.space = Some(-1);
    }

    /// Records a line break.
    pub(super) fn add_break(&mut self) {
        self.has_break = true;
    }

    /// Returns whether there was a space at the edge of a line, or since the last character.
    pub(super) fn has_space(&self) -> bool {
        self.space.is_some() || self.space_at_edge.is_some()
    }

    /// Returns whether a line break or a space was recorded since the last character.
    pub(super) fn is_after_break_or_space(&self) -> bool {
        self.has_break || self.space.is_some()
    }

    /// Records `count` characters that no space precedes. A line break may precede them.
    pub(super) fn add_characters(&mut self, count: usize) {
        if count > 0 {
            if self.has_break {
                self.has_break = false;
                self.end_line();
            }
            self.in_line += count as u64;
        }
    }

    /// Records one character, once [`end_whitespace`](Self::end_whitespace) has dealt with
    /// the whitespace before it.
    pub(super) fn add_character(&mut self) {
        self.in_line += 1;
    }

    /// Records a whitespace character.
    pub(super) fn add_whitespace(&mut self, byte: u8, at: isize) {
        match byte {
            b' ' => {
                self.space.get_or_insert(at);
            }
            b'\r' | b'\n' => self.has_break = true,
            _ => {}
        }
    }

    /// Ends a run of whitespace before the next character. Returns the position of a space
    /// that cannot be ignored, if there is one.
    pub(super) fn end_whitespace(&mut self) -> Option<isize> {
        let is_first = self.in_line == 0 && self.length.is_none();
        if let Some(space) = self.space.take() {
            if !self.has_break && !is_first {
                return Some(space);
            }
            self.space_at_edge.get_or_insert(space);
        }
        if self.has_break {
            self.has_break = false;
            self.end_line();
        }
        self.space_at_edge.filter(|_| self.is_uneven)
    }

    fn end_line(&mut self) {
        let length = self.in_line;
        if length > 0 {
            let first = *self.length.get_or_insert(length);
            self.is_uneven |= length != first || !length.is_multiple_of(4);
            self.in_line = 0;
        }
    }

    /// Returns the position of a space that cannot be ignored if the text ends here.
    pub(super) fn misplaced_space_at_end(&self) -> Option<isize> {
        let is_longer = self.length.is_some_and(|length| self.in_line > length);
        self.space_at_edge.filter(|_| is_longer)
    }

    /// Makes positions relative to the next chunk, which starts `consumed` bytes after the
    /// start of this one.
    pub(super) fn rebase(&mut self, consumed: isize) {
        for at in [&mut self.space_at_edge, &mut self.space] {
            *at = at.map(|at| at - consumed);
        }
    }
}
