/*
 * The commands user and profile: show and change the rows of the JSON store, or print the SQL that
 * changes those of a database. Own nothing. t/integration/test_store_commands.py covers them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask_password.h"
#include "ctl/cmd.h"
#include "ctl/rows_sql.h"
#include "ctl/store_rows.h"
#include "lib/auth/password.h"
#include "lib/base/print.h"

const char cmd_user_usage[] =
	"usage: posternctl [OPTION ...] user list\n"
	"       posternctl [OPTION ...] user show NAME\n"
	"       posternctl [OPTION ...] user add NAME [COLUMN=VALUE ...] [--stdin]\n"
	"       posternctl [OPTION ...] user set NAME COLUMN=VALUE ...\n"
	"       posternctl [OPTION ...] user del NAME\n"
	"       posternctl [OPTION ...] user passwd NAME [--stdin]\n"
	"Show or change the users of the JSON store. If the users are in a database, print the SQL\n"
	"that makes the change, and show the daemon's copy.\n"
	"  list, show  print rows, without passwords\n"
	"  COLUMN      username, froms, profile (by its name), profileId or enabled\n"
	"  --stdin     read the password from the first line of standard input\n"
	"Exit status: 0 done, 1 refused, and nothing is changed.\n";

const char cmd_profile_usage[] =
	"usage: posternctl [OPTION ...] profile list\n"
	"       posternctl [OPTION ...] profile show NAME\n"
	"       posternctl [OPTION ...] profile add NAME [COLUMN=VALUE ...]\n"
	"       posternctl [OPTION ...] profile set NAME COLUMN=VALUE ...\n"
	"       posternctl [OPTION ...] profile del NAME\n"
	"Show or change the profiles of the JSON store. If they are in a database, print the SQL that\n"
	"makes the change, and show the daemon's copy.\n"
	"  list, show  print rows\n"
	"  COLUMN      name, desc, open, limits, maxsize, host, rcpt or rcpt_re\n"
	"Exit status: 0 done, 1 refused, and nothing is changed.\n";

enum verb { VERB_LIST, VERB_SHOW, VERB_ADD, VERB_SET, VERB_DEL, VERB_PASSWD, VERB_COUNT };

static const char *const verbs[VERB_COUNT] = { "list", "show", "add", "set", "del", "passwd" };

/* What the command line asks for. */
struct request {
	const struct rows_table *table;
	enum verb verb;
	const char *name;
	bool from_stdin;
	struct rows_value values[ROWS_VALUES_MAX];
	size_t count;
	char hash[384]; /* "": none */
};

/* ---- showing --------------------------------------------------------------------- */

/* Print a value; a list with commas. Passwords are not shown. */
static void print_value(const char *column, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (strcasecmp(column, "password") == 0) {
		print_text(stdout, "%s", json_string_length(value) > 0 ? "********" : "");
	} else if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			print_text(stdout, "%s%s", i > 0 ? "," : "",
				json_is_string(item) ? json_string_value(item) : "?");
		}
	} else if (json_is_string(value)) {
		print_text(stdout, "%s", json_string_value(value));
	} else if (json_is_integer(value)) {
		print_text(stdout, "%lld", (long long)json_integer_value(value));
	} else if (json_is_boolean(value)) {
		print_text(stdout, "%s", json_is_true(value) ? "yes" : "no");
	}
}

/* Return a copy of a row without its password. */
static json_t *without_password(const json_t *row)
{
	json_t *copy = json_copy((json_t *)row);
	void *at, *next;

	for (at = json_object_iter(copy); at != NULL; at = next) {
		next = json_object_iter_next(copy, at);
		if (strcasecmp(json_object_iter_key(at), "password") == 0)
			(void)json_object_iter_set_new(copy, at,
				json_string(json_string_length(json_object_iter_value(at)) > 0 ?
						"********" :
						""));
	}
	return copy;
}

static int print_row(const struct ctl *ctl, const json_t *row)
{
	json_t *copy;
	int ret;
	void *at;

	if (ctl->json) {
		copy = without_password(row);
		ret = command_print_json(copy);
		json_decref(copy);
		return ret;
	}
	for (at = json_object_iter((json_t *)row); at != NULL;
		at = json_object_iter_next((json_t *)row, at)) {
		print_text(stdout, "%s: ", json_object_iter_key(at));
		print_value(json_object_iter_key(at), json_object_iter_value(at));
		print_end(stdout);
	}
	return CTL_OK;
}

/* Print the name of each row, and the columns that are set. */
static int print_rows(const struct ctl *ctl, const struct store_file *file,
	const struct rows_table *table)
{
	const json_t *rows = json_object_get(file->tree, table->name), *row, *value;
	json_t *copies = json_array();
	size_t i;
	int ret = CTL_OK;

	json_array_foreach (rows, i, row) {
		if (ctl->json) {
			(void)json_array_append_new(copies, without_password(row));
			continue;
		}
		print_value(table->key, store_rows_value(row, table->key));
		for (size_t j = 1; j < table->count; j++) {
			const char *column = table->columns[j].name;

			value = store_rows_value(row, column);
			if (value == NULL || json_is_null(value) || json_is_object(value) ||
				strcmp(column, table->key) == 0 || strcmp(column, "password") == 0)
				continue;
			print_text(stdout, " %s=", column);
			print_value(column, value);
		}
		print_end(stdout);
	}
	if (ctl->json)
		ret = command_print_json(copies);
	json_decref(copies);
	return ret;
}

static int show(const struct ctl *ctl, const struct request *r, const struct store_file *file,
	struct errmsg *err)
{
	long index;

	if (r->verb == VERB_LIST)
		return print_rows(ctl, file, r->table);
	if ((index = store_rows_find(file, r->table, r->name, err)) < 0)
		return command_fail(CTL_FAILED, err);
	return print_row(ctl,
		json_array_get(json_object_get(file->tree, r->table->name), (size_t)index));
}

/* ---- changing -------------------------------------------------------------------- */

static int make_text(const struct request *r, const struct store_file *file, struct strbuf *text,
	struct errmsg *err)
{
	const char *hash = r->hash[0] == '\0' ? NULL : r->hash;

	switch (r->verb) {
	case VERB_ADD:
		return store_rows_add(file, r->table, r->name, hash, r->values, r->count, text,
			err);
	case VERB_DEL:
		return store_rows_del(file, r->table, r->name, text, err);
	default:
		return store_rows_set(file, r->table, r->name, hash, r->values, r->count, text,
			err);
	}
}

/* Make the beginning of problems of a row that exists: "users id 3 (". */
static void add_row_name(const struct request *r, const struct store_file *file,
	struct strbuf *name)
{
	struct errmsg ignored;
	const long index = store_rows_find(file, r->table, r->name, &ignored);
	const json_t *row = index < 0 ?
		NULL :
		json_array_get(json_object_get(file->tree, r->table->name), (size_t)index);
	const json_t *id = row == NULL ? NULL : store_rows_value(row, "id");

	if (json_is_integer(id))
		strbuf_addf(name, "%s id %lld (", r->table->name,
			(long long)json_integer_value(id));
	else if (json_is_string(id))
		strbuf_addf(name, "%s id %s (", r->table->name, json_string_value(id));
}

/* Print that the change is made, and what else keeps the row from being in force as written. */
static int print_done(const struct ctl *ctl, const struct request *r, const struct errmsg *left)
{
	static const char *const done[VERB_COUNT] = { "", "", "added", "changed", "deleted",
		"has a new password" };
	json_t *answer;
	int ret;

	if (!ctl->json) {
		print_line(stdout, "%s %s: %s", r->table->command, r->name, done[r->verb]);
		if (left->text[0] != '\0')
			print_line(stderr, "posternctl: the row still has a problem: %s",
				left->text);
		return CTL_OK;
	}
	answer = json_pack("{s:b, s:s*}", "ok", 1, "problem",
		left->text[0] == '\0' ? NULL : left->text);
	ret = command_print_json(answer);
	json_decref(answer);
	return ret;
}

static int change(const struct ctl *ctl, const struct request *r, const struct store_file *file,
	struct errmsg *err)
{
	struct strbuf text = STRBUF_INIT, row = STRBUF_INIT;
	struct errmsg left = { "" };
	int ret = make_text(r, file, &text, err);

	if (r->verb == VERB_SET || r->verb == VERB_PASSWD)
		add_row_name(r, file, &row);
	if (ret == 0)
		ret = store_file_check(file, &text, row.text, &left, err);
	strbuf_free(&row);
	if (ret == 0)
		ret = store_file_write(file, &text, err);
	if (text.text != NULL)
		explicit_bzero(text.text, text.len);
	strbuf_free(&text);
	return ret != 0 ? command_fail(CTL_FAILED, err) : print_done(ctl, r, &left);
}

/* Print the statement that changes the database. */
static int print_sql(const struct ctl *ctl, const struct request *r, const struct config *config,
	struct errmsg *err)
{
	const char *schema = config->database.schema;
	const char *hash = r->hash[0] == '\0' ? NULL : r->hash;
	struct strbuf sql = STRBUF_INIT;
	json_t *answer;
	int ret = CTL_OK;

	if (r->verb == VERB_ADD)
		rows_sql_add(r->table, schema, r->name, hash, r->values, r->count, &sql);
	else if (r->verb == VERB_DEL)
		rows_sql_del(r->table, schema, r->name, &sql);
	else
		rows_sql_set(r->table, schema, r->name, hash, r->values, r->count, &sql);
	if (sql.failed) {
		(void)errmsg_set(err, "out of memory");
		ret = command_fail(CTL_FAILED, err);
	} else if (ctl->json) {
		answer = json_pack("{s:s}", "sql", sql.text);
		ret = command_print_json(answer);
		json_decref(answer);
	} else {
		print_line(stderr, "posternctl: the %s are in a database; let psql run this there:",
			r->table->name);
		if (r->verb != VERB_ADD || r->table->has_passwords)
			print_line(stderr, "posternctl: if psql answers %s, %s",
				r->verb == VERB_ADD	    ? "INSERT 0 0" :
					r->verb == VERB_DEL ? "DELETE 0" :
							      "UPDATE 0",
				r->verb == VERB_ADD ? "there is no such profile" :
						      "there is no such row or profile");
		print_line(stdout, "%s", sql.text);
	}
	strbuf_free(&sql);
	return ret;
}

/* ---- the command line ------------------------------------------------------------ */

/* Remove --stdin from the arguments. */
static void take_stdin(struct request *r, int *argc, char **argv)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--stdin") == 0)
			r->from_stdin = true;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	argv[kept] = NULL;
}

/* Read the command line. Returns CTL_OK, or an exit code after a message. */
static int read_request(const struct ctl *ctl, struct request *r, int argc, char **argv)
{
	struct errmsg err;
	int verb = 0, count;
	bool asks;

	take_stdin(r, &argc, argv);
	while (argc > 1 && verb < VERB_COUNT && strcmp(argv[1], verbs[verb]) != 0)
		verb++;
	r->verb = (enum verb)verb;
	if (argc < 2 || verb == VERB_COUNT || (r->verb == VERB_PASSWD && !r->table->has_passwords))
		return command_usage(ctl);
	asks = r->table->has_passwords && (r->verb == VERB_ADD || r->verb == VERB_PASSWD);
	if ((r->from_stdin && !asks) || (r->verb == VERB_LIST ? argc != 2 : argc < 3) ||
		(r->verb == VERB_SET ? argc < 4 : r->verb != VERB_ADD && argc > 3))
		return command_usage(ctl);
	if (r->verb == VERB_LIST)
		return CTL_OK;
	r->name = argv[2];
	if (*r->name == '\0' || *r->name == '-' || rows_check_text(r->name, &err) != 0) {
		if (*r->name == '\0' || *r->name == '-')
			return command_usage(ctl);
		return command_fail(EX_USAGE, &err);
	}
	if ((count = rows_read_values(r->table, argc - 3, argv + 3, r->values, &err)) < 0)
		return command_fail(EX_USAGE, &err);
	r->count = (size_t)count;
	return CTL_OK;
}

/* Ask for the password of the user who is added, or who gets a new one. */
static int read_hash(struct request *r, struct errmsg *err)
{
	if (!r->table->has_passwords || (r->verb != VERB_ADD && r->verb != VERB_PASSWD))
		return 0;
	if (!isatty(STDIN_FILENO) && !r->from_stdin)
		return errmsg_set(err,
			"a terminal is needed to ask for the password; --stdin reads it from standard "
			"input");
	return ask_password_hash(password_methods[0], 0, r->hash, err);
}

static int run_request(const struct ctl *ctl, struct request *r, const struct config *config)
{
	const bool shows = r->verb == VERB_LIST || r->verb == VERB_SHOW;
	struct store_file file = { .text = NULL };
	struct errmsg err;
	int ret;

	if (config->database.present && !shows)
		return read_hash(r, &err) != 0 ? command_fail(CTL_FAILED, &err) :
						 print_sql(ctl, r, config, &err);
	if (store_file_read(config, &file, &err) != 0)
		ret = command_fail(CTL_FAILED, &err);
	else if (shows)
		ret = show(ctl, r, &file, &err);
	else if (store_file_check_own(&file, &err) != 0 || read_hash(r, &err) != 0)
		ret = command_fail(CTL_FAILED, &err);
	else
		ret = change(ctl, r, &file, &err);
	store_file_clear(&file);
	return ret;
}

static int run(const struct ctl *ctl, const struct rows_table *table, int argc, char **argv)
{
	struct request r = { .table = table };
	const struct config *config;
	struct errmsg err;
	int ret = read_request(ctl, &r, argc, argv);

	if (ret != CTL_OK)
		return ret;
	if (config_load(ctl->config_path, &config, &err) != 0)
		return command_fail(EX_CONFIG, &err);
	ret = run_request(ctl, &r, config);
	explicit_bzero(r.hash, sizeof(r.hash));
	config_unref(&config);
	return ret;
}

int cmd_user(const struct ctl *ctl, int argc, char **argv)
{
	return run(ctl, &rows_users, argc, argv);
}

int cmd_profile(const struct ctl *ctl, int argc, char **argv)
{
	return run(ctl, &rows_profiles, argc, argv);
}
