/* SPDX-License-Identifier: BSD-3-Clause */
/* docs/rpc.md, docs/operators.md and docs/settings.md against the code: methods, roles, parameters, result fields,
 * refusal codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libconfig.h>

#include "tests/unit/oper/ask.h"
#include "tests/unit/oper/fake_gateway.h"
#include "tests/unit/oper/host.h"

/* One table row, cells trimmed. */
#define CELLS 5
struct row {
	unsigned int n;
	char cell[CELLS][256];
};

static bool
split_row(char *line, struct row *row)
{
	char *rest = line, *cell;

	row->n = 0;
	if (line[0] != '|')
		return false;
	rest++;
	while (row->n < CELLS && (cell = strsep(&rest, "|")) != NULL && rest != NULL) {
		while (*cell == ' ')
			cell++;
		size_t len = strlen(cell);
		while (len > 0 && cell[len - 1] == ' ')
			len--;
		snprintf(row->cell[row->n++], sizeof(row->cell[0]), "%.*s", (int)len, cell);
	}
	return row->n > 0 && strncmp(row->cell[0], "---", 3) != 0;
}

static FILE *
open_page(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/docs/%s", getenv("ADIT_SOURCE"), name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	return f;
}

/* "a.b[].c" for every leaf, each once, into paths. */
static void
walk(const json_t *v, const char *prefix, json_t *paths)
{
	char path[256];
	const char *name;
	json_t *member;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach((json_t *)v, name, member)
		{
			snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "." : "", name);
			walk(member, path, paths);
		}
	} else if (json_is_array(v)) {
		snprintf(path, sizeof(path), "%s[]", prefix);
		json_array_foreach(v, i, member) walk(member, path, paths);
	} else {
		json_object_set_new(paths, prefix,
			json_string(json_is_integer(v)   ? "integer"
				    : json_is_real(v)    ? "real"
				    : json_is_boolean(v) ? "boolean"
							 : "string"));
	}
}

static json_t *
paths_of(const struct rpc_method *m)
{
	struct rpc_context ctx = ask_context(3);
	struct rpc_error error = {0};
	json_t *set = json_pack("{s:{s:i, s:s}}", "settings", "ppp.mru", 1350, "pptp.port", "1725");
	json_t *params = strcmp(m->name, "weak-crypto") == 0
				 ? json_pack("{s:s}", "protocol", "pptp")
			 : strcmp(m->name, "settings.set") == 0 ? json_incref(set)
			 : strcmp(m->name, "settings.unset") == 0
				 ? json_pack("{s:[s, s]}", "names", "ppp.mru", "pptp.port")
			 : strcmp(m->name, "session") == 0 || strcmp(m->name, "disconnect") == 0
				 ? json_pack("{s:i}", "id", 1)
				 : json_object();
	json_t *none = json_object();
	if (strcmp(m->name, "settings.unset") == 0) {
		json_decref(rpc_settings_reload(&ctx, none, &error));
		json_decref(rpc_settings_set(&ctx, set, &error));
	}
	json_decref(none);
	json_decref(set);
	json_t *result = m->handler(&ctx, params, &error);
	json_t *paths = json_object();

	assert_non_null(result);
	walk(result, "", paths);
	json_decref(result);
	json_decref(params);
	fake_gateway_free(ctx.gateway);
	return paths;
}

struct reading {
	const struct rpc_method *method; /* whose section this is */
	enum { NO_TABLE, PARAMETERS, RESULT } table;
	unsigned int n_methods, n_params;
	json_t *paths; /* of the method, less those read */
};

/* Nothing of the method may be left when its section ends. */
static void
end_section(struct reading *r)
{
	const char *name;
	json_t *type;
	unsigned int n = 0;

	if (r->method == NULL)
		return;
	json_object_foreach(r->paths, name, type)
		fail_msg("%s: the result field %s is not documented", r->method->name, name);
	while (n < RPC_PARAMS_MAX && r->method->params[n].name != NULL)
		n++;
	if (r->n_params != n)
		fail_msg("%s: %u parameters documented, %u in the code", r->method->name,
			r->n_params, n);
	json_decref(r->paths);
	r->method = NULL;
}

static void
begin_section(struct reading *r, const char *title)
{
	end_section(r);
	r->method = &rpc_methods[r->n_methods++];
	if (r->method->name == NULL || strcmp(r->method->name, title) != 0)
		fail_msg("section \"%s\": the method here is %s", title,
			r->method->name != NULL ? r->method->name : "none");
	r->paths = paths_of(r->method);
	r->n_params = 0;
	r->table = NO_TABLE;
}

static void
check_parameter(struct reading *r, const struct row *row)
{
	static const char *const types[] = {"integer", "string", "boolean", "object", "array"};
	const struct rpc_param *p = &r->method->params[r->n_params++];

	assert_non_null(p->name);
	assert_string_equal(row->cell[0], p->name);
	assert_string_equal(row->cell[1], types[p->type]);
	assert_string_equal(row->cell[2], p->required ? "yes" : "no");
	assert_string_equal(row->cell[3], oper_role_name(p->role));
}

static void
check_result(struct reading *r, const struct row *row)
{
	const char *type = json_string_value(json_object_get(r->paths, row->cell[0]));

	if (type == NULL)
		fail_msg("%s has no result field %s", r->method->name, row->cell[0]);
	assert_string_equal(row->cell[1], type);
	json_object_del(r->paths, row->cell[0]);
}

static void
read_line(struct reading *r, char *line)
{
	struct row row;

	if (strncmp(line, "### ", 4) == 0)
		begin_section(r, line + 4);
	else if (strncmp(line, "## ", 3) == 0)
		end_section(r);
	if (r->method == NULL)
		return;
	if (strstr(line, "Role: ") != NULL)
		assert_int_equal(
			strncmp(strstr(line, "Role: ") + 6, oper_role_name(r->method->role),
				strlen(oper_role_name(r->method->role))),
			0);
	if (!split_row(line, &row)) {
		if (line[0] == '\0')
			r->table = NO_TABLE;
	} else if (strcmp(row.cell[0], "parameter") == 0) {
		r->table = PARAMETERS;
	} else if (strcmp(row.cell[0], "result") == 0) {
		r->table = RESULT;
	} else if (r->table == PARAMETERS) {
		check_parameter(r, &row);
	} else if (r->table == RESULT) {
		check_result(r, &row);
	}
}

static void
test_rpc_page(void **state)
{
	struct reading r = {0};
	char line[1024];
	FILE *f = open_page("rpc.md");

	(void)state;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		read_line(&r, line);
	}
	end_section(&r);
	assert_null(rpc_methods[r.n_methods].name);
	fclose(f);
}

static void
test_refusal_table(void **state)
{
	char line[1024];
	struct row row;
	int next = -1; /* before the table */
	FILE *f = open_page("operators.md");

	(void)state;
	while (fgets(line, sizeof(line), f) != NULL && next < REFUSAL_COUNT) {
		if (!split_row(line, &row))
			continue;
		if (strcmp(row.cell[0], "refusal") == 0) {
			next = 0;
		} else if (next >= 0) {
			assert_string_equal(row.cell[0], refusal_name(next));
			assert_string_equal(row.cell[1], refusal_text(next));
			assert_string_equal(row.cell[2], refusal_remedy(next));
			next++;
		}
	}
	assert_int_equal(next, REFUSAL_COUNT);
	fclose(f);
}

/* Every setting below s has a row in the page. */
static void
check_settings(const config_setting_t *s, const char *prefix, const char *page)
{
	bool in_list = config_setting_is_list(s);

	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		const char *name = config_setting_name(e);
		char path[128], row[160];
		snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] && !in_list ? "." : "",
			in_list ? "[]" : name);
		if (config_setting_is_group(e) || config_setting_is_list(e)) {
			check_settings(e, path, page);
			continue;
		}
		snprintf(row, sizeof(row), "\n| %s |", path);
		if (strstr(page, row) == NULL)
			fail_msg("no page describes %s", path);
	}
}

static void
test_settings(void **state)
{
	static const char *const examples[] = {"adit-control.conf", "adit-dataplane.conf"};
	static const char *const pages[] = {"settings.md", "operators.md"};
	char path[512];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		static char page[65536];
		FILE *f = open_page(pages[i]);
		page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
		fclose(f);
		config_t cf;
		config_init(&cf);
		snprintf(path, sizeof(path), "%s/docs/examples/%s", getenv("ADIT_SOURCE"),
			examples[i]);
		assert_int_equal(config_read_file(&cf, path), CONFIG_TRUE);
		check_settings(config_root_setting(&cf), "", page);
		config_destroy(&cf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rpc_page),
		cmocka_unit_test(test_refusal_table),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
