//! One arena for everything between inputs and outputs: values that are not needed at the same time share
//! room.

/// Room that is needed from one step to another, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) len: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// Where each request lies, and how long the arena is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) offsets: Vec<usize>,
    pub(crate) len: usize,
}

/// Elements between starts: a cache line of f32, so that no two values share one.
const ALIGNMENT: usize = 16;

/// Lays requests out, the largest first, each at the lowest offset that is free for as long as it is needed.
pub(crate) fn place(requests: &[Request]) -> Layout {
    let mut by_size: Vec<usize> = (0..requests.len()).collect();
    by_size.sort_by_key(|i| (std::cmp::Reverse(requests[*i].len), *i));
    let mut offsets = vec![0; requests.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut len = 0;
    for i in by_size {
        let request = requests[i];
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|j| requests[**j].first <= request.last && request.first <= requests[**j].last)
            .map(|j| (offsets[*j], offsets[*j] + requests[*j].len))
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (start, end) in taken {
            if offset + request.len <= start {
                break;
            }
            offset = offset.max(end.next_multiple_of(ALIGNMENT));
        }
        offsets[i] = offset;
        len = len.max(offset + request.len);
        placed.push(i);
    }
    Layout { offsets, len }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn room_is_used_again() {
        let request = |first, last| Request { len: 100, first, last };
        let layout = place(&[request(0, 1), request(1, 2), request(2, 3)]);
        assert_eq!(layout.len, 212);
        assert_eq!(layout.offsets[0], layout.offsets[2]);
    }

    proptest! {
        #[test]
        fn values_alive_together_never_overlap(
            raw in prop::collection::vec((1usize..200, 0usize..30, 0usize..10), 1..40)
        ) {
            let requests: Vec<Request> =
                raw.iter().map(|(len, first, more)| Request { len: *len, first: *first, last: first + more }).collect();
            let layout = place(&requests);
            for (i, a) in requests.iter().enumerate() {
                prop_assert!(layout.offsets[i] + a.len <= layout.len);
                for (j, b) in requests.iter().enumerate().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let apart = layout.offsets[i] + a.len <= layout.offsets[j]
                        || layout.offsets[j] + b.len <= layout.offsets[i];
                    prop_assert!(!together || apart);
                }
            }
        }
    }
}
