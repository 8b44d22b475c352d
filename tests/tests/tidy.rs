//! The repository's rules, run on the repository. Each rule is tried against a planted violation beside its code
//! in `tests/src/tidy/`; here it must find nothing.

use std::process::Command;

use anyhow::{Context as _, ensure};
use outrigger_tests::tidy::{Complaint, documents, graph, layers, promises, shape, tree};
use outrigger_tests::workspace;

fn none(complaints: Vec<Complaint>) -> anyhow::Result<()> {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    ensure!(lines.is_empty(), "\n{}", lines.join("\n"));
    Ok(())
}

fn files() -> anyhow::Result<Vec<tree::File>> {
    let files = tree::read(&workspace::root())?;
    ensure!(files.iter().any(|file| file.path == "engine/src/lib.rs"), "the workspace was not found");
    Ok(files)
}

#[test]
fn layers_hold() -> anyhow::Result<()> {
    let rust = tree::rust(&files()?);
    none(layers::check(&rust, layers::RULES))?;
    none(layers::dead_exceptions(&rust, layers::RULES))
}

#[test]
fn files_and_functions_fit() -> anyhow::Result<()> {
    none(shape::lengths(&tree::rust(&files()?)))
}

#[test]
fn money_has_no_floats() -> anyhow::Result<()> {
    none(shape::floats(&tree::rust(&files()?)))
}

#[test]
fn exceptions_have_reasons_and_no_test_is_ignored() -> anyhow::Result<()> {
    none(shape::attributes(&tree::rust(&files()?)))
}

#[test]
fn nothing_names_one_machine() -> anyhow::Result<()> {
    none(shape::machines(&files()?))
}

#[test]
fn documents_have_one_title_and_live_links() -> anyhow::Result<()> {
    let files = files()?;
    none(documents::titles(&files))?;
    none(documents::links(&files))
}

#[test]
fn the_catalogue_of_promises_is_true() -> anyhow::Result<()> {
    none(promises::check(&files()?))
}

#[test]
fn every_fixture_is_used() -> anyhow::Result<()> {
    none(documents::fixtures(&files()?))
}

#[test]
fn dependencies_point_one_way_and_are_allowed() -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(workspace::root())
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let deny: toml::Table = std::fs::read_to_string(workspace::root().join("deny.toml"))?.parse()?;
    none(graph::edges(&metadata))?;
    none(graph::bans(&metadata, &deny))?;
    none(graph::licences(&metadata, &deny))
}
