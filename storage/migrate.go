package storage

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// The job library's tables: their schema, and which version of them migration 2 makes. A newer
// version of the library that needs more gets a new migration, never a new number here.
const (
	riverSchema           = "river"
	riverMigration        = 2
	riverMigrationVersion = 8
)

// migrate brings the schema up to date. Migrations are only ever added; 0001 to 0099 are the rows of
// sessions, 0100 and up the recording's. A new database runs them in this order, an old one those it lacks.
func migrate(ctx context.Context, owner *pgxpool.Pool) error {
	return withMigrations(owner, func(provider *goose.Provider) error {
		_, err := provider.Up(ctx)
		return err
	})
}

// migrateTo makes the schema that a backup was made of, in a new database.
func migrateTo(ctx context.Context, owner *pgxpool.Pool, versions []int64) error {
	return withMigrations(owner, func(provider *goose.Provider) error {
		for _, version := range versions {
			_, err := provider.ApplyVersion(ctx, version, true)
			if errors.Is(err, goose.ErrVersionNotFound) {
				return fmt.Errorf("migration %d is not in this program: use the version that made the backup, or a newer one", version)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func withMigrations(owner *pgxpool.Pool, work func(*goose.Provider) error) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	db := stdlib.OpenDBFromPool(owner)
	defer func() { _ = db.Close() }()
	river := goose.NewGoMigration(riverMigration, &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error {
		return migrateRiver(ctx, owner)
	}}, nil)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(river), goose.WithLogger(goose.NopLogger()),
		goose.WithAllowOutofOrder(true)) // two ranges of numbers grow side by side
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	if err := work(provider); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// migrateRiver makes the job library's tables in their own schema. Some of its steps cannot run inside
// a transaction; each step that is done is skipped when this runs again.
func migrateRiver(ctx context.Context, owner *pgxpool.Pool) error {
	if _, err := owner.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+riverSchema); err != nil {
		return fmt.Errorf("make the schema of jobs: %w", err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(owner), &rivermigrate.Config{Schema: riverSchema})
	if err != nil {
		return fmt.Errorf("prepare the tables of jobs: %w", err)
	}
	opts := &rivermigrate.MigrateOpts{TargetVersion: riverMigrationVersion}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, opts); err != nil {
		return fmt.Errorf("make the tables of jobs: %w", err)
	}
	return nil
}
