//! Every sequence of four inputs to a room of two seats; `make sim` tries six.

use simulation::small::enumerate;

#[test]
fn no_sequence_of_four_inputs_breaks_a_rule() {
    let tried = enumerate(4);
    assert!(tried.broken.is_none(), "{tried:?}");
    assert!(tried.sequences > 2_000);
}
