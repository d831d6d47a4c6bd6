#pragma once
#include <stdint.h>

void uart_init(void);
void uart_write(const char *text);
void uart_write_hex(uint32_t value);
