-- The database deletes a message's body and attachments with the message. Django 5.2 cannot declare
-- it (`DB_CASCADE` comes with 6.1), so the models leave these two constraints to this file.

ALTER TABLE integrations_messagebody ADD CONSTRAINT body_goes_with_its_message
    FOREIGN KEY (message_id) REFERENCES integrations_message (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE integrations_attachment ADD CONSTRAINT attachment_goes_with_its_message
    FOREIGN KEY (message_id) REFERENCES integrations_message (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
