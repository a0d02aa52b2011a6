/*
 * Judges the plan of a query: whether its rows come from single rows of one table. Stateless; any
 * thread may call it.
 */
#include "milter/pg/plan_rows.h"

#include <jansson.h>
#include <string.h>

#include "lib/base/text.h"

/*
 * The nodes that neither combine rows nor leave out some because of others. Any other node, such as
 * one of a later version of PostgreSQL, is refused.
 */
static const char *const row_nodes[] = { "Seq Scan", "Index Scan", "Index Only Scan",
	"Bitmap Heap Scan", "Bitmap Index Scan", "BitmapAnd", "BitmapOr", "Subquery Scan", "Sort",
	"Incremental Sort", "Gather", "Gather Merge" };

/* How PostgreSQL prints the condition, for the types of ids that are accepted. */
static const char *const id_conditions[] = { ".id = ANY (", ".id)::text = ANY (" };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *text_of(const json_t *node, const char *key)
{
	const char *text = json_string_value(json_object_get(node, key));

	return text != NULL ? text : "";
}

static bool is_row_node(const char *type)
{
	for (size_t i = 0; i < COUNT(row_nodes); i++)
		if (strcmp(type, row_nodes[i]) == 0)
			return true;
	return false;
}

static bool has_id_condition(const char *condition)
{
	for (size_t i = 0; i < COUNT(id_conditions); i++)
		if (strstr(condition, id_conditions[i]) != NULL)
			return true;
	return false;
}

/* Judge one node. Returns 0, or -1 with err set. */
static int judge_node(const json_t *node, struct plan_rows *rows, struct errmsg *err)
{
	const char *type = text_of(node, "Node Type"), *relation = text_of(node, "Relation Name");
	const char *parent = text_of(node, "Parent Relationship");

	if (!is_row_node(type))
		return errmsg_set(err, "its plan has a node \"%.*s\"", TEXT_CUT(type, 60));
	if (strcmp(parent, "SubPlan") == 0 || strcmp(parent, "InitPlan") == 0)
		return errmsg_set(err, "its plan has a subquery of its own");
	if (relation[0] != '\0' && rows->relation[0] != '\0')
		return errmsg_set(err, "it reads more than one relation");
	if (relation[0] != '\0') {
		(void)text_format(rows->schema, sizeof(rows->schema), "%s",
			text_of(node, "Schema"));
		(void)text_format(rows->relation, sizeof(rows->relation), "%s", relation);
	}
	if (has_id_condition(text_of(node, "Index Cond")))
		rows->finds_id = true;
	return 0;
}

/* Judge all nodes below the top one, which is in `todo`. */
static int judge_all(json_t *todo, struct plan_rows *rows, struct errmsg *err)
{
	json_t *node, *child;
	size_t i;
	int ret = 0;

	while (ret == 0 && json_array_size(todo) > 0) {
		node = json_incref(json_array_get(todo, json_array_size(todo) - 1));
		(void)json_array_remove(todo, json_array_size(todo) - 1);
		ret = judge_node(node, rows, err);
		json_array_foreach (json_object_get(node, "Plans"), i, child) {
			if (ret == 0 && json_array_append(todo, child) < 0)
				ret = errmsg_set(err, "out of memory");
		}
		json_decref(node);
	}
	return ret;
}

int plan_rows_parse(const char *plan, struct plan_rows *rows_r, struct errmsg *err)
{
	struct plan_rows rows = { .finds_id = false };
	json_t *explained = json_loads(plan, 0, NULL), *todo = json_array();
	json_t *top = json_object_get(json_array_get(explained, 0), "Plan");
	int ret;

	if (!json_is_object(top) || json_array_append(todo, top) < 0)
		ret = errmsg_set(err, "EXPLAIN printed no plan");
	else
		ret = judge_all(todo, &rows, err);
	if (ret == 0 && rows.relation[0] == '\0')
		ret = errmsg_set(err, "it reads no relation");
	json_decref(todo);
	json_decref(explained);
	if (ret == 0)
		*rows_r = rows;
	return ret;
}
