-- Operations of other services work at a part of a tenant, such as a knowledge base; a training
-- works at the tenant as a whole.
ALTER TABLE operations ADD COLUMN subject text NOT NULL DEFAULT '';
