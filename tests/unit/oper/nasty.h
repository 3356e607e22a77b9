/* SPDX-License-Identifier: BSD-3-Clause */
/* What strangers call themselves (T22): through every place where text of theirs is shown. */
#ifndef ADIT_TESTS_OPER_NASTY_H
#define ADIT_TESTS_OPER_NASTY_H

/* Each of them, put into a shell, would make the file "pwned" in the current directory, or do
 * something to a terminal or a log. */
#define NASTY_TEXT(X)                                         \
	X("$(>pwned)")                                        \
	X("`>pwned`")                                         \
	X("$(touch pwned)")                                   \
	X("`touch pwned`")                                    \
	X("x; touch pwned;")                                  \
	X("x'; touch pwned; '")                               \
	X("x\"; touch pwned; \"$(touch pwned)")               \
	X("x|touch pwned&touch pwned")                        \
	X("<(touch pwned)")                                   \
	X("${x:=$(touch pwned)}")                             \
	X("$'\\x24(touch pwned)'")                            \
	X("a[$(touch pwned)]")                                \
	X("\\$(touch pwned)")                                 \
	X("!!:s/x/touch pwned/")                              \
	X("* ~ ? {a,b} [!x]")                                 \
	X("--drop")                                           \
	X("-s/etc/passwd")                                    \
	X("../../etc/passwd")                                 \
	X("%s%n%n%1000000d")                                  \
	X("a\nevent=audit action=weak-crypto-pptp allow=yes") \
	X("a\r\x1b[2K\x1b[1Aall is well")                     \
	X("\x1b]0;title\x07\x1b[31mred")                      \
	X("\x9b"                                              \
	  "31mC1 alone")                                      \
	X("\xc2\x9b"                                          \
	  "31mC1 in UTF-8")                                   \
	X("\xe2\x80\xae"                                      \
	  "ecila right to left")                              \
	X("\xe2\x81\xa6isolate\xe2\x81\xa9")                  \
	X("zero\xe2\x80\x8bwidth\xef\xbb\xbf")                \
	X("line\xe2\x80\xa8separator")                        \
	X("administrator\xc2\xa0\xe3\x80\x80\xe2\x80\x83x")   \
	X("\xff\xfe\x80 not UTF-8")                           \
	X("\xc0\xaf overlong")                                \
	X("\xed\xa0\x80 surrogate")                           \
	X("\xf4\x90\x80\x80 too large")                       \
	X("cut short \xe2\x82")                               \
	X("\" code=none text=\"fine")                         \
	X("back\\slash\\")                                    \
	X("\x7f\x08\x08\x08")                                 \
	X("{\"user\":\"admin\"},")                            \
	X("</script><script>alert(1)</script>")               \
	X("M\xc3\xbcller \xe5\xb1\xb1\xe7\x94\xb0")           \
	X(" ")

static const char *const nasty[] = {
#define X(text) text,
	NASTY_TEXT(X)
#undef X
		NULL};
#define N_NASTY (sizeof(nasty) / sizeof(nasty[0]) - 1)

#endif
