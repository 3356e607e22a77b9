/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/client.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/cli/table.h"

#define ANSWER_MAX (32u * 1024 * 1024)
#define TIMEOUT_S  15

static void
explain_denied(const char *path)
{
	struct stat st;
	const struct group *g = NULL;

	if (stat(path, &st) == 0 && (st.st_mode & 0060) != 0)
		g = getgrgid(st.st_gid);
	fprintf(stderr, "aditctl: %s: permission denied: be root", path);
	if (g != NULL)
		fprintf(stderr, ", or a member of the group \"%s\" (which may look, not change)",
			g->gr_name);
	else
		fprintf(stderr, " (control.socket_group and control.operate_group can open the "
				"socket to a group)");
	fputc('\n', stderr);
}

int
client_connect(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};

	if (path[0] == '\0' || strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "aditctl: %s: a socket path has 1 to %zu octets\n", path,
			sizeof(addr.sun_path) - 1);
		return -1;
	}
	strcpy(addr.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		fprintf(stderr, "aditctl: can't create a socket: %s\n", strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	int e = errno;
	close(fd);
	if (e == EACCES || e == EPERM)
		explain_denied(path);
	else if (e == ENOENT || e == ECONNREFUSED || e == ENOTSOCK)
		fprintf(stderr, "aditctl: %s: %s: is adit-control running?\n", path,
			e == ENOENT ? "no such socket" : "nobody listens there");
	else
		fprintf(stderr, "aditctl: %s: %s\n", path, strerror(e));
	return -1;
}

static bool
send_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

/* One line (malloc()ed, without its newline), or NULL with errno set (0: closed by the gateway). */
static char *
receive_line(int fd, size_t *len)
{
	size_t size = 65536, used = 0;
	char *buf = malloc(size);

	while (buf != NULL && used < ANSWER_MAX) {
		ssize_t n = recv(fd, buf + used, size - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? 0 : errno;
			break;
		}
		const char *end = memchr(buf + used, '\n', (size_t)n);
		used += (size_t)n;
		if (end != NULL) {
			*len = (size_t)(end - buf);
			return buf;
		}
		if (used == size) {
			char *bigger = realloc(buf, size *= 2);
			if (bigger == NULL)
				break;
			buf = bigger;
		}
	}
	int e = errno;
	free(buf);
	errno = e;
	return NULL;
}

static void
lost(const char *doing)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		fprintf(stderr, "aditctl: adit-control did not answer within %d s\n", TIMEOUT_S);
	else
		fprintf(stderr, "aditctl: connection lost while %s: %s\n", doing,
			errno != 0 ? strerror(errno) : "closed by adit-control");
}

/* Takes the result out of a response; takes over response. */
static json_t *
result_of(json_t *response)
{
	json_t *result = json_incref(json_object_get(response, "result"));
	const json_t *error = json_object_get(response, "error");

	if (result == NULL) {
		const char *message = json_string_value(json_object_get(error, "message"));
		char *clean = clean_text(message != NULL ? message : "not an answer");
		fprintf(stderr, "aditctl: %s\n", clean);
		free(clean);
		const json_t *faults = json_object_get(json_object_get(error, "data"), "faults");
		for (size_t i = 1; i < json_array_size(faults); i++) {
			clean = clean_text(json_string_value(json_array_get(faults, i)));
			fprintf(stderr, "aditctl: %s\n", clean);
			free(clean);
		}
	}
	json_decref(response);
	return result;
}

json_t *
client_request(int fd, const char *method, json_t *params, enum exit_code *code)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
		method, "params", params != NULL ? params : json_object());
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = 0;

	json_decref(request);
	*code = EXIT_UNREACHABLE;
	/* A gateway that refuses this peer may have closed the connection already, but said why. */
	bool sent = text != NULL && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);
	free(text);
	char *line = receive_line(fd, &len);
	if (line == NULL) {
		lost(sent ? "waiting for the answer" : "asking");
		return NULL;
	}
	json_error_t why;
	json_t *response = json_loadb(line, len, 0, &why);
	free(line);
	*code = EXIT_REQUEST_FAILED;
	if (response == NULL) {
		fprintf(stderr, "aditctl: the answer is not JSON: %s\n", why.text);
		return NULL;
	}
	return result_of(response);
}
