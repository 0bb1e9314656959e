/* SPDX-License-Identifier: GPL-2.0 */
#define NULL ((void *)0)
#define ENODEV 19
#define EINVAL 22
#define EPROBE_DEFER 517
#define CONFIG_TOY 0
#define IS_ENABLED(x) (x)
#define bool _Bool
#define set_to(x, y) do { (x) = (y); } while (0)
#define for_each(i, n) for ((i) = 0; (i) < (n); (i)++)
#define dev_info(...) printf(__VA_ARGS__)
#define ERR_PTR(x) ((void *)(long)(x))
int printf(const char *format, ...);
int printk(const char *format, ...);
void missing(void);
