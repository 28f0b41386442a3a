"""Tables -> figures -> one page. Figures draw what `analysis` returned and compute nothing."""
