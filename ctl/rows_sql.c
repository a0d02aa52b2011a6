/*
 * Writes the SQL that changes users and profiles in a database. Owns nothing.
 * t/integration/test_store_commands.py covers it.
 */
#include "ctl/rows_sql.h"

#include <string.h>

#include "lib/conf/option_value.h"

/* Add text in quotes, which are doubled in it. */
static void add_quoted(struct strbuf *out, char quote, const char *text)
{
	strbuf_add_char(out, quote);
	for (; *text != '\0'; text++) {
		if (*text == quote)
			strbuf_add_char(out, quote);
		strbuf_add_char(out, *text);
	}
	strbuf_add_char(out, quote);
}

static void add_table(struct strbuf *out, const char *schema, const char *name)
{
	if (*schema != '\0') {
		add_quoted(out, '"', schema);
		strbuf_add_char(out, '.');
	}
	strbuf_add_str(out, name);
}

/* Return the column that receives a value, quoted where its letters need it. */
static const char *column_of(const struct rows_value *value)
{
	return strcmp(value->column, "profile") == 0 || strcmp(value->column, "profileId") == 0 ?
		"\"profileId\"" :
		strcmp(value->column, "desc") == 0 ? "\"desc\"" :
						     value->column;
}

static void add_value(struct strbuf *out, const char *schema, const struct rows_value *value)
{
	if (strcmp(value->column, "profile") == 0) {
		strbuf_add_str(out, "(SELECT id FROM ");
		add_table(out, schema, "profiles");
		strbuf_add_str(out, " WHERE name = ");
		add_quoted(out, '\'', value->text);
		strbuf_add_char(out, ')');
	} else if (rows_kind_of(value->column) == ROWS_BOOL) {
		strbuf_add_str(out, option_bool(value->text) == 1 ? "true" : "false");
	} else if (rows_kind_of(value->column) == ROWS_NUMBER) {
		strbuf_add_str(out, *value->text == '\0' ? "NULL" : value->text);
	} else {
		add_quoted(out, '\'', value->text);
	}
}

static void add_where(struct strbuf *out, const struct rows_table *table, const char *name)
{
	strbuf_addf(out, " WHERE %s = ", table->key);
	add_quoted(out, '\'', name);
	strbuf_add_char(out, ';');
}

void rows_sql_add(const struct rows_table *table, const char *schema, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *out)
{
	strbuf_add_str(out, "INSERT INTO ");
	add_table(out, schema, table->name);
	strbuf_addf(out, " (%s%s", table->key, hash != NULL ? ", password" : "");
	for (size_t i = 0; i < count; i++)
		strbuf_addf(out, ", %s", column_of(&values[i]));
	strbuf_add_str(out, ") VALUES (");
	add_quoted(out, '\'', name);
	if (hash != NULL) {
		strbuf_add_str(out, ", ");
		add_quoted(out, '\'', hash);
	}
	for (size_t i = 0; i < count; i++) {
		strbuf_add_str(out, ", ");
		add_value(out, schema, &values[i]);
	}
	strbuf_add_str(out, ");");
}

void rows_sql_set(const struct rows_table *table, const char *schema, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *out)
{
	strbuf_add_str(out, "UPDATE ");
	add_table(out, schema, table->name);
	strbuf_add_str(out, " SET ");
	if (hash != NULL) {
		strbuf_add_str(out, "password = ");
		add_quoted(out, '\'', hash);
	}
	for (size_t i = 0; i < count; i++) {
		strbuf_addf(out, "%s%s = ", i > 0 || hash != NULL ? ", " : "",
			column_of(&values[i]));
		add_value(out, schema, &values[i]);
	}
	add_where(out, table, name);
}

void rows_sql_del(const struct rows_table *table, const char *schema, const char *name,
	struct strbuf *out)
{
	strbuf_add_str(out, "DELETE FROM ");
	add_table(out, schema, table->name);
	add_where(out, table, name);
}
