/*
 * Reads the rows of a query, by COPY where the server allows it, else row by row. The connection's
 * thread fetches the lines; line_worker's thread parses them and hands on the rows. Shown by
 * t/integration/test_database_plain.py and t/integration/test_database.py.
 */
#include "milter/pg/pg_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "milter/loop/clock.h"
#include "milter/pg/copy_text.h"
#include "milter/pg/line_worker.h"
#include "milter/pg/pg_by_row.h"
#include "milter/pg/pg_characters.h"

#define ATTEND_ROWS 4096 /* rows after which the thread does its other work */
#define SYNTAX_ERROR "42601"
#define NOT_SUPPORTED "0A000"
#define TABLE_MISSING "42P01"

/* From pg_type.dat: types about which the server need not be asked. */
static const Oid no_arrays[] = { 16, 18, 19, 20, 21, 23, 25, 700, 701, 1042, 1043, 1700, 2950 };
static const Oid arrays[] = { 1002, 1003, 1009, 1014, 1015 };

/* How the columns of a query's result map to the columns of the table. */
struct shape {
	size_t count;	     /* columns of the result */
	int *map;	     /* for each, the table's column; -1: not needed */
	bool *is_array;	     /* for each */
	struct cell *cells;  /* for each: the row just read */
	struct cell row[32]; /* by the table's columns; a column not in the result stays NULL */

	/* Where COPY sends the rows in the server's encoding: the connection's; else NULL. */
	struct characters *characters;
	bool is_collecting;   /* the characters, before the rows are read */
	struct strbuf *texts; /* for each column: its translation in the row just read */
};

static void shape_free(struct shape *shape)
{
	size_t i;

	for (i = 0; shape->texts != NULL && i < shape->count; i++)
		strbuf_free(&shape->texts[i]);
	free(shape->texts);
	free(shape->map);
	free(shape->is_array);
	free(shape->cells);
}

static bool type_is_among(Oid type, const Oid *types, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (types[i] == type)
			return true;
	return false;
}

/* Ask the server whether a type that is not built in, such as citext[], is an array. */
static enum pg_outcome ask_type(struct pg *pg, Oid type, bool *is_array_r)
{
	char text[16];
	const char *params[] = { text };
	PGresult *rows = NULL;
	enum pg_outcome outcome;

	(void)snprintf(text, sizeof(text), "%u", type);
	outcome = pg_run(pg,
		"SELECT 1 FROM pg_catalog.pg_type WHERE oid = $1::oid AND typcategory = 'A'", 1,
		params, pg_short_deadline(pg), &rows);
	if (outcome == PG_OK)
		*is_array_r = PQntuples(rows) == 1;
	PQclear(rows);
	return outcome;
}

static enum pg_outcome find_arrays(struct pg *pg, const PGresult *described, struct shape *shape)
{
	enum pg_outcome outcome = PG_OK;
	size_t i;
	Oid type;

	for (i = 0; i < shape->count && outcome == PG_OK; i++) {
		type = PQftype(described, (int)i);
		if (type_is_among(type, arrays, sizeof(arrays) / sizeof(*arrays)))
			shape->is_array[i] = true;
		else if (shape->map[i] >= 0 &&
			!type_is_among(type, no_arrays, sizeof(no_arrays) / sizeof(*no_arrays)))
			outcome = ask_type(pg, type, &shape->is_array[i]);
	}
	return outcome;
}

/* Report the columns of the result that are not used, and those that it lacks. */
static void report_unused(const struct pg_table *table, const char *const *names,
	const struct shape *shape)
{
	unsigned present = 0;
	size_t i;

	for (i = 0; i < shape->count; i++)
		present |= shape->map[i] >= 0 ? 1U << shape->map[i] : 0U;
	for (i = 0; i < shape->count; i++) {
		if (shape->map[i] < 0)
			rows_report_unknown(table->columns, table->column_count, present,
				table->name, names[i], table->problems);
	}
	rows_report_missing(table->columns, table->column_count, present, table->name,
		table->problems);
}

static enum pg_outcome map_columns(struct pg *pg, const struct pg_table *table,
	const PGresult *described, struct shape *shape)
{
	const char **names;
	struct errmsg err;
	size_t i;
	int ret;

	shape->count = (size_t)PQnfields(described);
	shape->map = calloc(shape->count + 1, sizeof(*shape->map));
	shape->is_array = calloc(shape->count + 1, sizeof(*shape->is_array));
	shape->cells = calloc(shape->count + 1, sizeof(*shape->cells));
	shape->texts = calloc(shape->count + 1, sizeof(*shape->texts));
	names = calloc(shape->count + 1, sizeof(*names));
	if (shape->map == NULL || shape->is_array == NULL || shape->cells == NULL ||
		shape->texts == NULL || names == NULL) {
		free(names);
		return pg_fail(pg, "out of memory");
	}
	for (i = 0; i < shape->count; i++)
		names[i] = PQfname(described, (int)i);
	ret = rows_map(table->columns, table->column_count, names, shape->count, shape->map, &err);
	if (ret == 0)
		report_unused(table, names, shape);
	free(names);
	if (ret == 0)
		return PG_OK;
	(void)pg_fail(pg, err.text);
	return PG_REFUSED;
}

/* Have the server describe the query's columns without running it. */
static enum pg_outcome describe_query(struct pg *pg, const struct pg_table *table,
	struct shape *shape)
{
	PGresult *described = NULL;
	enum pg_outcome outcome;

	outcome = pg_describe(pg, table->query, &described);
	if (outcome == PG_OK)
		outcome = map_columns(pg, table, described, shape);
	if (outcome == PG_OK)
		outcome = find_arrays(pg, described, shape);
	PQclear(described);
	return outcome;
}

/* The objects that line_worker's thread owns until line_worker_end(). */
struct line_reader {
	const struct pg_table *table;
	struct shape *shape;
};

/*
 * Translate the text of a column to UTF-8, or collect its characters. Returns 0, or -1 when out of
 * memory.
 */
static int translate_cell(struct shape *shape, size_t column)
{
	struct cell *cell = &shape->cells[column];
	struct strbuf *text = &shape->texts[column];

	if (shape->characters == NULL || cell->kind != CELL_TEXT ||
		characters_are_ascii(cell->text, cell->len))
		return 0;
	if (shape->is_collecting)
		return characters_collect(shape->characters, cell->text, cell->len);
	strbuf_reset(text);
	characters_translate(shape->characters, cell->text, cell->len, text);
	cell->text = text->text;
	cell->len = text->len;
	return text->failed ? -1 : 0;
}

/* Hand on the row in shape->cells, whose text is overwritten. Returns NULL, or an error. */
static const char *hand_on_row(const struct pg_table *table, struct shape *shape)
{
	struct cell *cell;
	size_t i;

	for (i = 0; i < shape->count; i++) {
		cell = &shape->cells[i];
		if (shape->map[i] < 0)
			continue;
		if (translate_cell(shape, i) < 0)
			return "out of memory";
		if (shape->is_array[i] && cell->kind == CELL_TEXT &&
			copy_text_array((char *)cell->text, cell->len, cell) < 0)
			return "the server sent an array that cannot be read";
		shape->row[shape->map[i]] = *cell;
	}
	if (shape->is_collecting)
		return NULL;
	return table->take(table->context, shape->row) == 0 ? NULL : "out of memory";
}

static const char *read_line(void *context, char *line, size_t len)
{
	const struct line_reader *reader = context;

	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (copy_text_line(line, len, reader->shape->cells, reader->shape->count) < 0)
		return "COPY sent a row that cannot be read";
	return hand_on_row(reader->table, reader->shape);
}

/* Let the thread do its other work every ATTEND_ROWS rows. */
static enum pg_outcome attend_now_and_then(struct pg *pg, unsigned rows)
{
	const struct pg_waiter *waiter = pg->waiter;

	if (rows % ATTEND_ROWS != 0)
		return PG_OK;
	return waiter->wait(waiter->context, -1, false, 0) == PG_WAIT_GIVE_UP ? PG_GIVEN_UP : PG_OK;
}

/* Fetch all lines and give them to the worker. */
static enum pg_outcome fetch_lines(struct pg *pg, struct line_worker *worker, int64_t deadline)
{
	enum pg_outcome outcome = PG_OK;
	const char *error = NULL;
	unsigned rows = 0;
	char *line;
	int len;

	while (outcome == PG_OK) {
		len = PQgetCopyData(pg->conn, &line, 1);
		if (len == 0) {
			outcome = pg_wait_input(pg, deadline);
		} else if (len > 0) {
			error = line_worker_add(worker, line, (size_t)len);
			PQfreemem(line);
			outcome = error == NULL ? attend_now_and_then(pg, ++rows) :
						  pg_fail(pg, error);
		} else if (len == -1) {
			return pg_read_results(pg, deadline, NULL);
		} else {
			outcome = pg_fail(pg, PQerrorMessage(pg->conn));
		}
	}
	return outcome;
}

static enum pg_outcome read_lines(struct pg *pg, const struct pg_table *table, struct shape *shape,
	int64_t deadline)
{
	struct line_reader reader = { table, shape };
	struct line_worker *worker = line_worker_new(read_line, &reader);
	enum pg_outcome outcome;
	const char *error;

	if (worker == NULL)
		return pg_fail(pg, "out of memory");
	outcome = fetch_lines(pg, worker, deadline);
	error = line_worker_end(&worker, outcome != PG_OK);
	return outcome == PG_OK && error != NULL ? pg_fail(pg, error) : outcome;
}

/*
 * COPY is several times as fast as the rows of a SELECT. Where the rows are translated here, the
 * server sends them as they are (SQL_ASCII means that), and only them: the query and errors have
 * the connection's encoding.
 */
static enum pg_outcome copy_rows(struct pg *pg, const struct pg_table *table, struct shape *shape)
{
	int64_t deadline = pg_statement_deadline(pg);
	struct strbuf sql = STRBUF_INIT;
	PGresult *started = NULL;
	enum pg_outcome outcome;

	/* The query's last line may end in a comment, which the line feed closes. */
	strbuf_addf(&sql, "SAVEPOINT postern; COPY (%s\n) TO STDOUT%s", table->query,
		shape->characters != NULL ? " WITH (ENCODING 'SQL_ASCII')" : "");
	outcome = pg_run_built(pg, &sql, deadline, &started);
	if (outcome == PG_OK &&
		(PQresultStatus(started) != PGRES_COPY_OUT ||
			(size_t)PQnfields(started) != shape->count))
		outcome = pg_fail(pg, "COPY returns other columns than the query");
	PQclear(started);
	return outcome == PG_OK ? read_lines(pg, table, shape, deadline) : outcome;
}

/*
 * Collect the characters of all rows, and have the server translate them. It would refuse to send
 * any row because of one character that it cannot translate.
 */
static enum pg_outcome prepare_translation(struct pg *pg, const struct pg_table *table,
	struct shape *shape, int encoding)
{
	enum pg_outcome outcome;

	if (pg->characters == NULL && (pg->characters = characters_new(encoding)) == NULL)
		return pg_fail(pg, "out of memory");
	shape->characters = pg->characters;
	shape->is_collecting = true;
	outcome = copy_rows(pg, table, shape);
	shape->is_collecting = false;
	return outcome == PG_OK ? pg_translate_characters(pg, shape->characters) : outcome;
}

static enum pg_outcome read_by_copy(struct pg *pg, const struct pg_table *table,
	struct shape *shape)
{
	const int encoding = pg_foreign_encoding(pg);
	enum pg_outcome outcome = PG_OK;

	if (encoding >= 0)
		outcome = prepare_translation(pg, table, shape, encoding);
	return outcome == PG_OK ? copy_rows(pg, table, shape) : outcome;
}

static enum pg_outcome read_tuple(struct pg *pg, const struct pg_table *table, struct shape *shape,
	const PGresult *tuple)
{
	const char *error;
	size_t i;

	if ((size_t)PQnfields(tuple) != shape->count)
		return pg_fail(pg, "the query returns other columns than it described");
	for (i = 0; i < shape->count; i++)
		shape->cells[i] = (struct cell){
			.kind = PQgetisnull(tuple, 0, (int)i) ? CELL_NULL : CELL_TEXT,
			.text = PQgetvalue(tuple, 0, (int)i),
			.len = (size_t)PQgetlength(tuple, 0, (int)i),
		};
	error = hand_on_row(table, shape);
	return error == NULL ? PG_OK : pg_fail(pg, error);
}

/* Read row by row, where COPY is not available. */
static enum pg_outcome read_by_select(struct pg *pg, const struct pg_table *table,
	struct shape *shape)
{
	int64_t deadline = pg_statement_deadline(pg);
	PGresult *tuple = NULL;
	enum pg_outcome outcome;
	unsigned rows = 0;

	outcome = pg_flush(pg, PQsendQuery(pg->conn, table->query) && PQsetSingleRowMode(pg->conn),
		deadline);
	while (outcome == PG_OK && (outcome = pg_next_result(pg, deadline, &tuple)) == PG_OK &&
		tuple != NULL) {
		if ((outcome = pg_check_result(pg, tuple)) != PG_OK)
			outcome = pg_drain(pg, deadline);
		else if (PQresultStatus(tuple) == PGRES_SINGLE_TUPLE)
			outcome = read_tuple(pg, table, shape, tuple);
		PQclear(tuple);
		if (outcome == PG_OK)
			outcome = attend_now_and_then(pg, ++rows);
	}
	return outcome;
}

static enum pg_outcome read_rows(struct pg *pg, const struct pg_table *table, struct shape *shape)
{
	enum pg_outcome outcome;

	if (pg->no_copy)
		return read_by_select(pg, table, shape);
	outcome = read_by_copy(pg, table, shape);
	if (outcome != PG_REFUSED ||
		!(pg_failed_with(pg, SYNTAX_ERROR) || pg_failed_with(pg, NOT_SUPPORTED)))
		return outcome;
	pg->no_copy = true;
	shape->characters = NULL; /* the rows of a SELECT are UTF-8 */
	outcome = pg_run(pg, "ROLLBACK TO SAVEPOINT postern", 0, NULL, pg_short_deadline(pg), NULL);
	return outcome == PG_OK ? read_by_select(pg, table, shape) : outcome;
}

/* Add the schemas in which a missing table was looked up. */
static void name_schema(struct pg *pg)
{
	const char *schema = pg->config->database.schema;
	struct errmsg error = pg->error;

	if (schema[0] != '\0')
		(void)errmsg_set(&pg->error, "%s in the schema %s of [database] schema", error.text,
			schema);
	else
		(void)errmsg_set(&pg->error,
			"%s in the search_path of the role, because [database] schema is empty",
			error.text);
}

enum pg_outcome pg_table_read(struct pg *pg, const struct pg_table *table)
{
	struct pg_table trimmed = *table;
	struct shape shape = { 0 };
	enum pg_outcome outcome;
	char *query;

	if ((query = strndup(table->query, pg_query_len(table->query))) == NULL)
		return pg_fail(pg, "out of memory");
	trimmed.query = query;
	outcome = describe_query(pg, &trimmed, &shape);
	if (outcome == PG_OK)
		outcome = read_rows(pg, &trimmed, &shape);
	if (outcome == PG_REFUSED && pg_failed_with(pg, TABLE_MISSING))
		name_schema(pg);
	if (outcome == PG_REFUSED)
		(void)errmsg_prefix(&pg->error, "%s: ", table->name);
	shape_free(&shape);
	free(query);
	return outcome;
}
