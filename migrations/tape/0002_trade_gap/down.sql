DROP TABLE trade_gap;
