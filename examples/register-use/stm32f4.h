/* The part of an STM32F405 that stm32f4.c touches, laid out as its reference manual has it
 * (RM0090 Rev 19: 7.3 RCC, 8.4 GPIO, 18.4 TIM2, 30.6 USART, 10.5 DMA). Names are ST's. */
#ifndef STM32F4_H
#define STM32F4_H
#include <stdint.h>

#define __IO volatile

typedef struct {
    __IO uint32_t SR, DR, BRR, CR1, CR2, CR3, GTPR;
} USART_TypeDef;

typedef struct {
    __IO uint32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2];
} GPIO_TypeDef;

typedef struct {
    __IO uint32_t CR, PLLCFGR, CFGR, CIR, AHB1RSTR, AHB2RSTR, AHB3RSTR, RESERVED0, APB1RSTR,
        APB2RSTR, RESERVED1[2], AHB1ENR, AHB2ENR, AHB3ENR, RESERVED2, APB1ENR, APB2ENR;
} RCC_TypeDef;

typedef struct {
    __IO uint32_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RESERVED0,
        CCR1, CCR2, CCR3, CCR4;
} TIM_TypeDef;

typedef struct {
    __IO uint32_t CR, NDTR, PAR, M0AR, M1AR, FCR;
} DMA_Stream_TypeDef;

#define USART1 ((USART_TypeDef *)0x40011000)
#define USART2 ((USART_TypeDef *)0x40004400)
#define USART3 ((USART_TypeDef *)0x40004800)
#define GPIOA ((GPIO_TypeDef *)0x40020000)
#define GPIOB ((GPIO_TypeDef *)0x40020400)
#define GPIOC ((GPIO_TypeDef *)0x40020800)
#define RCC ((RCC_TypeDef *)0x40023800)
#define TIM2 ((TIM_TypeDef *)0x40000000)
#define TIM3 ((TIM_TypeDef *)0x40000400)
#define TIM4 ((TIM_TypeDef *)0x40000800)
#define DMA1_BASE 0x40026000u
#define SYSTICK ((__IO uint32_t *)0xe000e010)
#define NVIC_ISER ((__IO uint32_t *)0xe000e100)
#define SCB_CPACR (*(__IO uint32_t *)0xe000ed88)

#endif
