//! The command `anteroom-crowd`: reads its arguments, lets the crowd loose, says what came of it. Ends with 0 if every
//! promise was kept, 1 if one was broken, 2 if there was no crowd.

use crowd::args::{Command, Options, Talk, USAGE, parse};
use crowd::verdict::{Evidence, checks, is_any_broken};
use crowd::{crowd as people, report};
use std::process::ExitCode;

const NO_CROWD: u8 = 2;

fn main() -> ExitCode {
    match parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Run(options)) => run(*options).unwrap_or_else(|fault| refused(&[fault])),
        Err(faults) => refused(&faults),
    }
}

fn refused(faults: &[String]) -> ExitCode {
    faults.iter().for_each(|fault| eprintln!("anteroom-crowd: {fault}"));
    eprintln!("anteroom-crowd --help tells how it is used");
    ExitCode::from(NO_CROWD)
}

/// One thread is enough: a visitor waits nearly all the time, and the other cores belong to what is visited.
fn run(options: Options) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no event loop: {error}"))?;
    let evidence = runtime.block_on(people::run(options.clone()))?;
    tell(&options, &evidence)
}

fn tell(options: &Options, evidence: &Evidence) -> Result<ExitCode, String> {
    let checks = checks(evidence);
    let is_broken = is_any_broken(&checks);
    match options.talk {
        Talk::Full => print!("{}", report::table(evidence, &checks)),
        Talk::Quiet if is_broken => print!("{}", report::check_lines(&checks)),
        Talk::Quiet => {}
    }
    if let Some(file) = &options.json {
        let object = report::object(evidence, &checks);
        std::fs::write(file, format!("{object:#}\n"))
            .map_err(|error| format!("--json: {} cannot be written: {error}", file.display()))?;
    }
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
