//! What `make cost` computes with is what production's objects do: the design's hour, fifty times smaller.

use cost::operations::compare;
use cost::report::is_off;
use cost::scenario::Scenario;
use cost::{computed, counted};

#[test]
fn the_model_is_within_its_tolerance_of_what_is_counted() {
    let small = Scenario::default().divided(50);
    let counted = counted::operations(&small, 1).expect("nothing fails");
    let compared = compare(&computed::operations(&small), &counted);
    let off: Vec<_> = compared.iter().filter(|figure| is_off(figure)).collect();
    assert!(off.is_empty(), "{off:#?}");
    assert!(counted.admitted > 1_000.0 && counted.rows > 1_000.0, "{counted:?}");
}
