//! The command `anteroom-cost` (`make cost`). See the library's words.

use std::process::ExitCode;

use cost::args::{Command, Options, USAGE, parse};
use cost::operations::compare;
use cost::report::{bills, is_off, object, table};
use cost::{computed, counted};

/// Of the seed nothing depends but chance.
const SEED: u64 = 1;
const NOT_BEGUN: u8 = 2;

fn main() -> ExitCode {
    match parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Run(options)) => run(&options).unwrap_or_else(|fault| refused(&[fault])),
        Err(faults) => refused(&faults),
    }
}

fn refused(faults: &[String]) -> ExitCode {
    faults.iter().for_each(|fault| eprintln!("anteroom-cost: {fault}"));
    eprintln!("anteroom-cost --help tells how it is used");
    ExitCode::from(NOT_BEGUN)
}

fn run(options: &Options) -> Result<ExitCode, String> {
    let bills = bills(options);
    let small = options.scenario.divided(options.divide);
    let compared = compare(&computed::operations(&small), &counted::operations(&small, SEED)?);
    print!("{}", table(options, &bills, &compared));
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", object(options, &bills, &compared));
        std::fs::write(file, text)
            .map_err(|error| format!("--json: {} cannot be written: {error}", file.display()))?;
        println!("\nReport: {}", file.display());
    }
    let is_wrong = compared.iter().any(is_off);
    if is_wrong {
        eprintln!(
            "anteroom-cost: the model is not what production does: see TOO FAR above, and tests/cost/src/tree.rs"
        );
    }
    Ok(ExitCode::from(u8::from(is_wrong)))
}
